{#- Replaces dbt's macro of that name, and calls it: dbt-adapters 1.24.5,
    dbt/include/global_project/macros/materializations/models/incremental/is_incremental.sql.

    dbt asks the warehouse. A compile without one names the answer: `assume_incremental`. -#}
{% macro is_incremental() -%}
    {%- set assumed = var('assume_incremental', none) -%}
    {{ return(dbt.is_incremental() if assumed is none else assumed) }}
{%- endmacro %}
