{#- dbt's own answer, unless a compile without a warehouse names one: `assume_incremental`. -#}
{% macro is_incremental() -%}
    {%- set assumed = var('assume_incremental', none) -%}
    {{ return(dbt.is_incremental() if assumed is none else assumed) }}
{%- endmacro %}
