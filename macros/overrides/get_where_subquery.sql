{#- Replaces dbt's macro of that name: dbt-adapters 1.24.5,
    dbt/include/global_project/macros/materializations/tests/where_subquery.sql.

    The part of a model that a data test reads: as in dbt, but `where: this load` means the events of this
    load's days, since Athena would scan the store of years for each test. An audit reads all events. -#}
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
