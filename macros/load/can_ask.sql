{#- Whether this is rendered with a warehouse to ask: not while dbt parses, nor in a compile without
    one, which names `assume_incremental`. -#}
{% macro can_ask() -%}
    {{ return(execute and var('assume_incremental', none) is none) }}
{%- endmacro %}
