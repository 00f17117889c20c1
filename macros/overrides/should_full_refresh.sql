{#- Replaces dbt's macro of that name, and calls it: dbt-adapters 1.24.5,
    dbt/include/global_project/macros/materializations/configs.sql.

    As in dbt, and yes for models that follow from the events of an outdated store: after an upgrade, and
    after a `forget` that died. -#}
{% macro should_full_refresh() -%}
    {%- set follows_from_events = config.get('full_refresh') is none -%}
    {{
        return(
            dbt.should_full_refresh()
            or (follows_from_events and adapter.dispatch('rebuilds_from_events')())
        )
    }}
{%- endmacro %}

{% macro duckdb__rebuilds_from_events() -%}
    {%- set answer = run_query("select getvariable('rebuilds_from_events')") -%}
    {{ return(answer.columns[0].values()[0]) }}
{%- endmacro %}

{#- A table that lacks a described column of its model is of an older version: dbt would add the column
    and leave it null in all its rows. -#}
{% macro athena__rebuilds_from_events() -%}
    {%- if not can_ask() or model.resource_type != 'model' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set existing = load_relation(this) -%}
    {%- if not existing or not existing.is_table -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
    {{ return(model.columns.keys() | reject('in', columns) | list | length > 0) }}
{%- endmacro %}
