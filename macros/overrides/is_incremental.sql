{#- Replaces dbt's macro of that name, and calls it: dbt-adapters 1.24.5,
    dbt/include/global_project/macros/materializations/models/incremental/is_incremental.sql.

    dbt asks the warehouse. Without a warehouse, `dbt compile` takes the answer from the variable
    `assume_incremental`. -#}
{% macro is_incremental() -%}
    {%- set assumed = var('assume_incremental', none) -%}
    {{ return(dbt.is_incremental() if assumed is none else assumed) }}
{%- endmacro %}
