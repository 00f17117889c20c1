{#- The days of delivery that a load on Athena has to look at, as spans of them, oldest first: of
    each the first and the last day, as dates of Python, and the partitions to which it is confined
    if it is there only for such as were added (added_partitions.sql). Days of which every log is
    archived in Glacier are left out: Athena would list them, and read nothing. -#}
{% macro load_window() -%}
    {%- set as_date = modules.datetime.date.fromisoformat -%}
    {%- set left_out = [] -%}
    {%- for span in var('archived_days_left_out') -%}
        {%- do left_out.append([as_date(span[0]), as_date(span[1])]) -%}
    {%- endfor -%}
    {{ return(without_days(whole_load_window(), left_out)) }}
{%- endmacro %}

{#- The same with these days. -#}
{% macro whole_load_window() -%}
    {%- set told = var('first_delivered_date', none) -%}
    {%- set first_day = modules.datetime.date.fromisoformat(told | string) if told else none -%}
    {%- set first_in_table = first_projected_day() -%}
    {%- if first_day and first_in_table and first_day < first_in_table -%}
        {%- set first_day = first_in_table -%}
    {%- endif -%}
    {%- set loaded_days, is_by_day = days_in_ledger(), delivery_day_columns() | length > 0 -%}
    {%- set spans = unloaded_spans(loaded_days, first_day, run_started_at.date(), is_by_day) -%}
    {%- if loaded_days and is_by_day -%}
        {{ return(with_added_partitions(
            spans, added_partitions(), first_day or loaded_days[0]
        )) }}
    {%- endif -%}
    {{ return(spans) }}
{%- endmacro %}

{#- Everything from `lookback_days` before the newest day that is loaded, so that an outage loses no
    day; and of the days since `first_day` those that the ledger does not have, so that an earlier
    day fills in the past, and a load of years that was ended goes on where it was. The first load
    begins at `first_day`, without one 90 days back. A table that cannot be read by the day has one
    span: all of it is read anyway. -#}
{% macro unloaded_spans(loaded_days, first_day, today, is_by_day) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set until = today + one_day -%}
    {%- if not loaded_days -%}
        {{ return([[[first_day or today - 90 * one_day, today] | min, until]]) }}
    {%- endif -%}
    {%- set recent = ([loaded_days[-1], today] | min) - var('lookback_days') * one_day -%}
    {%- if not first_day or first_day >= recent -%}
        {{ return([[recent, until]]) }}
    {%- elif not is_by_day -%}
        {{ return([[first_day, until]]) }}
    {%- endif -%}
    {%- set spans = [] -%}
    {%- set missing = namespace(since=first_day) -%}
    {%- for day in loaded_days if first_day <= day < recent -%}
        {%- if missing.since < day -%}
            {%- do spans.append([missing.since, day - one_day]) -%}
        {%- endif -%}
        {%- set missing.since = day + one_day -%}
    {%- endfor -%}
    {#- What is missing up to the recent days is one span with them. -#}
    {%- do spans.append([missing.since, until]) -%}
    {{ return(spans) }}
{%- endmacro %}

{#- Spans of days without other days, oldest first. Nothing is without the newest day. -#}
{% macro without_days(spans, left_out) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set kept = namespace(spans=spans) -%}
    {%- for out in left_out -%}
        {%- set pieces = [] -%}
        {%- for span in kept.spans -%}
            {%- if span[1] < out[0] or span[0] > out[1] -%}
                {%- do pieces.append(span) -%}
            {%- else -%}
                {%- if span[0] < out[0] -%}
                    {%- do pieces.append([span[0], out[0] - one_day] + span[2:]) -%}
                {%- endif -%}
                {%- if span[1] > out[1] -%}
                    {%- do pieces.append([out[1] + one_day] + span[1:]) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set kept.spans = pieces -%}
    {%- endfor -%}
    {{ return(kept.spans or [[spans[-1][1], spans[-1][1]]]) }}
{%- endmacro %}

{#- The days of delivery that the ledger has a file of, oldest first, but for those of which others
    were archived when last looked for: they may have been restored. -#}
{% macro days_in_ledger() -%}
    {%- set log_reads = store_relation('log_reads') -%}
    {%- set archived_logs = store_relation('archived_logs') if log_reads and can_ask() -%}
    {%- set days = [] -%}
    {%- if log_reads and can_ask() -%}
        {%- set sql -%}
            select distinct cast(delivered_date as varchar) as delivered_date
            from {{ log_reads }}
            where delivered_date is not null
            {%- if archived_logs %}
                and delivered_date not in (
                    select newest.delivered_date
                    from (
                        select
                            delivered_date,
                            max_by(is_archived, loaded_at) as is_archived
                        from {{ archived_logs }}
                        group by log_root, account_id, aws_region, delivered_date
                    ) as newest
                    where newest.is_archived
                )
            {%- endif %}
            order by 1
        {%- endset -%}
        {%- for row in run_query(sql).rows -%}
            {%- do days.append(modules.datetime.date.fromisoformat(row[0] | string)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(days) }}
{%- endmacro %}

{#- The first day that a projected table can have: before it Athena has no partitions. None where
    the table does not say it. -#}
{% macro first_projected_day() -%}
    {%- set columns = delivery_day_columns() -%}
    {%- set properties = (raw_table() or {}).get('Parameters', {}) -%}
    {%- if columns | length == 1 and properties.get('projection.enabled', '') | lower == 'true' -%}
        {%- set first = properties.get('projection.' ~ columns[0].name ~ '.range', '').split(',')[0] -%}
        {%- if modules.re.fullmatch('[0-9]{4}[/_.-]?[0-9]{2}[/_.-]?[0-9]{2}', first.strip()) -%}
            {%- set digits = modules.re.sub('[^0-9]', '', first) -%}
            {{ return(modules.datetime.date(
                digits[:4] | int, digits[4:6] | int, digits[6:] | int
            )) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Spans of days as a program takes them: of each the first and the last day, and the accounts and
    regions to which it is confined. -#}
{% macro span_texts(spans) -%}
    {%- set texts = [] -%}
    {%- for span in spans -%}
        {%- set values = (span[2] if span | length > 2 else []) | map(attribute='value') | list -%}
        {%- do texts.append([span[0] | string, span[1] | string] + values) -%}
    {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}
