{#- dbt's own answer, and yes for what follows from the events of an outdated database: after an
    upgrade, and after a `forget` that died. -#}
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

{% macro athena__rebuilds_from_events() -%}
    {{ return(false) }}
{%- endmacro %}
