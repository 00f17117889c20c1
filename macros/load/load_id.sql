{#- The name of the load that this run makes: dbt's invocation, and the slice of it. -#}
{% macro load_id() -%}
    {{ return(adapter.dispatch('load_id')()) }}
{%- endmacro %}

{#- A variable of the session: another value of one of dbt's would make it parse anew. -#}
{% macro duckdb__load_id() -%}
    {{ sql_text(invocation_id) }} || '/' || coalesce(getvariable('load_slice'), 1)
{%- endmacro %}

{% macro athena__load_id() -%}
    cast({{ sql_text(invocation_id ~ '/1') }} as varchar)
{%- endmacro %}
