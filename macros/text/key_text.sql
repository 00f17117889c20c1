{#- One text from several text expressions, different wherever any of them is: what a key is
    hashed from. Null and '' stay apart, and no value can run into its neighbour. -#}
{% macro key_text(texts) -%}
    {%- set marked = [] -%}
    {%- for text in texts -%}
        {%- do marked.append("coalesce('=' || " ~ text ~ ", '-')") -%}
    {%- endfor -%}
    {{ joined_texts(marked + ["''"], 'chr(31)') }}
{%- endmacro %}
