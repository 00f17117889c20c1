{#- The text of one scalar member of a JSON text, null where it is missing, null or no scalar, and
    where the text is no JSON at all. `path` is a dotted path of member names. -#}
{% macro json_text(json, path) -%}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    try(json_value({{ json }}, '$.{{ path }}') ->> '$')
{%- endmacro %}

{% macro athena__json_text(json, path) -%}
    json_extract_scalar({{ json }}, '$.{{ path }}')
{%- endmacro %}
