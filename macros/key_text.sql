{#- One text from several text expressions, different wherever any of them is: what a key is
    hashed from. Null and '' stay apart, and no value can run into its neighbour. -#}
{% macro key_text(texts) -%}
    {%- for text in texts %}
    coalesce('=' || {{ text }}, '-') || chr(31)
    {%- if not loop.last %} || {% endif -%}
    {%- endfor -%}
{%- endmacro %}
