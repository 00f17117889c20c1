{#- The first day of delivery that this load looks at on Athena, as text: `lookback_days` before
    the newest day that is loaded, so that an outage loses no day. The first load begins at
    `first_delivered_date`, by default 90 days back; so does a later one when that is before
    everything loaded so far. -#}
{% macro load_from_day() -%}
    {%- set first_day = var('first_delivered_date', none) -%}
    {%- set days_back = modules.datetime.timedelta(days=1) -%}
    {%- set today = run_started_at.date() -%}
    {%- set log_reads = store_relation('log_reads') -%}
    {%- set loaded = none -%}
    {%- if execute and log_reads and var('assume_incremental', none) is none -%}
        {%- set loaded = run_query(
            "select cast(min(delivered_date) as varchar), cast(max(delivered_date) as varchar) from "
            ~ log_reads
        ).rows[0] -%}
    {%- endif -%}
    {%- if loaded and loaded[1] -%}
        {%- set newest = modules.datetime.date.fromisoformat(loaded[1]) -%}
        {%- set from_day = ([newest, today] | min) - var('lookback_days') * days_back -%}
        {%- if first_day and (first_day | string) < loaded[0] -%}
            {{ return(first_day | string) }}
        {%- endif -%}
        {{ return(from_day.isoformat()) }}
    {%- endif -%}
    {{ return((first_day or (today - 90 * days_back)) | string) }}
{%- endmacro %}
