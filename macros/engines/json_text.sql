{#- The text of one scalar member of a JSON text. Null if the member is missing, null or no scalar, or
    the text is not JSON. `path` is a dotted path of member names. -#}
{% macro json_text(json, path) -%}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    try(json_value({{ json }}, '$.{{ path }}') ->> '$')
{%- endmacro %}

{% macro athena__json_text(json, path) -%}
    json_extract_scalar({{ json }}, '$.{{ path }}')
{%- endmacro %}
