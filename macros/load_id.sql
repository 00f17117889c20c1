{#- The name of the load that this run makes: dbt's invocation, and the slice of it. -#}
{% macro load_id() -%}
    cast({{ sql_text(invocation_id ~ '/' ~ var('load_slice', 1)) }} as varchar)
{%- endmacro %}
