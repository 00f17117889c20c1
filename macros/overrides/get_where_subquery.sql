{#- Replaces dbt's macro of that name: dbt-adapters 1.24.5,
    dbt/include/global_project/macros/materializations/tests/where_subquery.sql.

    What a data test reads of a model: as dbt does it, but `where: this load` stands for the events of
    the days that this load has, since Athena would scan the store of years for each test. An audit
    looks at all of them. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where == 'this load' -%}
        {%- set where = '' if env_var('ROLECALL_AUDIT', '') else within_staged_days('event_at') -%}
    {%- endif -%}
    {%- if where -%}
        (select * from {{ relation }} where {{ where }}) as tested
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
