{#- Limits the look-up of a staged event's key to the stored events of these days. -#}
{% macro within_copied_days(event_at) -%}
    {{ return(adapter.dispatch('within_copied_days')(event_at)) }}
{%- endmacro %}

{#- All of them: a tenth of a second for half a million events. -#}
{% macro duckdb__within_copied_days(event_at) -%}
    true
{%- endmacro %}

{#- A copy of an event has the event's time, so that the keys of other years need no scan. -#}
{% macro athena__within_copied_days(event_at) -%}
    {{ return(within_staged_days(event_at)) }}
{%- endmacro %}
