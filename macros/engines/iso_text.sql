{#- A UTC timestamp as ISO 8601 text, to the second: `2026-04-30T11:08:31Z`. -#}
{% macro iso_text(timestamp) -%}
    {{ return(adapter.dispatch('iso_text')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__iso_text(timestamp) -%}
    strftime({{ timestamp }}, '%Y-%m-%dT%H:%M:%SZ')
{%- endmacro %}

{% macro athena__iso_text(timestamp) -%}
    date_format({{ timestamp }}, '%Y-%m-%dT%H:%i:%sZ')
{%- endmacro %}
