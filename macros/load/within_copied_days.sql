{#- The condition on the time of stored events among which a staged one is looked up by its key. -#}
{% macro within_copied_days(event_at) -%}
    {{ return(adapter.dispatch('within_copied_days')(event_at)) }}
{%- endmacro %}

{#- All of them: a tenth of a second for half a million events. -#}
{% macro duckdb__within_copied_days(event_at) -%}
    true
{%- endmacro %}

{#- Each refresh would scan the keys of years: a copy of an event has its time. -#}
{% macro athena__within_copied_days(event_at) -%}
    {{ return(within_staged_days(event_at)) }}
{%- endmacro %}
