{#- One text from several text expressions, which differs if any of them differs: a key is hashed from
    it. Null and '' differ, and no value can run into its neighbour. -#}
{% macro key_text(texts) -%}
    {%- set marked = [] -%}
    {%- for text in texts -%}
        {%- do marked.append("coalesce('=' || " ~ text ~ ", '-')") -%}
    {%- endfor -%}
    {{ joined_texts(marked + ["''"], 'chr(31)') }}
{%- endmacro %}
