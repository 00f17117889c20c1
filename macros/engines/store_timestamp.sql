{#- A timestamp of the type of the store: Iceberg takes microseconds only. -#}
{% macro store_timestamp(timestamp) -%}
    {{ return(adapter.dispatch('store_timestamp')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__store_timestamp(timestamp) -%}
    {{ timestamp }}
{%- endmacro %}

{% macro athena__store_timestamp(timestamp) -%}
    cast({{ timestamp }} as timestamp(6))
{%- endmacro %}
