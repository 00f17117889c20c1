{#- A timestamp of the type of staging, rules and marts: Hive takes milliseconds only. -#}
{% macro mart_timestamp(timestamp) -%}
    {{ return(adapter.dispatch('mart_timestamp')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__mart_timestamp(timestamp) -%}
    {{ timestamp }}
{%- endmacro %}

{% macro athena__mart_timestamp(timestamp) -%}
    cast({{ timestamp }} as timestamp(3))
{%- endmacro %}
