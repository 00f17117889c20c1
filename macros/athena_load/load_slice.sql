{#- The days of delivery that a load on Athena reads, as spans: of each the first and the last day,
    as dates of Python, and the accounts and regions to which it is confined, by their columns. The
    command line decides (days_to_read.sql). -#}
{% macro load_slice() -%}
    {%- set as_date = modules.datetime.date.fromisoformat -%}
    {%- set spans = [] -%}
    {%- for first, last, only in days_to_read().get('spans', []) -%}
        {%- do spans.append([as_date(first), as_date(last), only]) -%}
    {%- endfor -%}
    {{ return(spans or [first_slice()]) }}
{%- endmacro %}

{#- What dbt alone reads: the first `slice_days` days with logs, from `lookback_days` before the newest
    day that is loaded, or from the first day of the first load; without any, the newest days. -#}
{% macro first_slice() -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set start, until = first_day_to_load(), run_started_at.date() + one_day -%}
    {%- set day_count = (until - start).days + 1 -%}
    {%- set slice_days = var('slice_days') | int if delivery_day_columns() else day_count -%}
    {%- for offset in range(0, day_count, slice_days) -%}
        {%- set first = start + offset * one_day -%}
        {%- set span = [first, [first + (slice_days - 1) * one_day, until] | min, {}] -%}
        {%- if loop.last or not can_ask() or has_unread_logs(span) -%}
            {%- do say_what_remains(span, until) -%}
            {{ return(span) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro first_day_to_load() -%}
    {%- set as_date, day = modules.datetime.date.fromisoformat, modules.datetime.timedelta(days=1) -%}
    {%- set today, start = run_started_at.date(), var('first_delivered_date', none) -%}
    {%- set log_reads = store_relation('log_reads') if can_ask() -%}
    {%- set newest = run_query(
        'select cast(max(delivered_date) as varchar) as newest from ' ~ log_reads
    ).rows[0][0] if log_reads -%}
    {%- set first = as_date(start | string) if start else today - 90 * day -%}
    {%- if newest -%}
        {%- set recent = [as_date(newest | string), today] | min - var('lookback_days') * day -%}
        {#- A table that cannot be read by the day is read as a whole anyway. -#}
        {{ return([first, recent] | min if start and not delivery_day_columns() else recent) }}
    {%- endif -%}
    {{ return([[first, first_projected_day() or first] | max, today] | min) }}
{%- endmacro %}

{#- The first day that a projected table can have: before it Athena has no partitions. None where
    the table does not say it. -#}
{% macro first_projected_day() -%}
    {%- set columns, properties = delivery_day_columns(), (raw_table() or {}).get('Parameters', {}) -%}
    {%- if columns | length == 1 and properties.get('projection.enabled', '') | lower == 'true' -%}
        {%- set range = properties.get('projection.' ~ columns[0].name ~ '.range', '') -%}
        {%- set first = modules.re.match('\s*([0-9]{4})[/_.-]?([0-9]{2})[/_.-]?([0-9]{2})\s*,', range) -%}
        {%- if first -%}
            {{ return(modules.datetime.date(
                first[1] | int, first[2] | int, first[3] | int
            )) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Whether the days of a span have a log that no load has taken: Athena stops at a record. -#}
{% macro has_unread_logs(span) -%}
    {{ return(
        run_query(
            'select 1 as is_there from ' ~ raw_relation() ~ ' where ' ~ is_unread_of([span])
            ~ ' limit 1'
        ).rows | length > 0
    ) }}
{%- endmacro %}

{% macro say_what_remains(span, until) -%}
    {%- if execute and flags.WHICH in ('run', 'build') and span[1] < until -%}
        {%- do log(
            'This run loads the logs delivered from ' ~ span[0] ~ ' to ' ~ span[1]
            ~ '. Those from ' ~ (span[1] + modules.datetime.timedelta(days=1))
            ~ ' on remain: run it again.',
            info=true
        ) -%}
    {%- endif -%}
{%- endmacro %}
