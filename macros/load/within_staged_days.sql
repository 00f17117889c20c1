{#- Whether the time of a stored event is on a day of this load's events, where their copies are too: as
    literals, by which Athena leaves out other files. -#}
{% macro within_staged_days(event_at) -%}
    {#- Not by ref(): a data test of the store may not name another model. -#}
    {%- set staged_records = store_relation('stg_cloudtrail__events') -%}
    {%- if not staged_records or not can_ask() -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set spans = [] -%}
    {%- for row in run_query(
        "select distinct cast(cast(event_at as date) as varchar) as event_date from "
        ~ staged_records ~ " where not is_rejected and " ~ is_in_this_load('log_file') ~ " order by 1"
    ).rows -%}
        {%- set day = modules.datetime.date.fromisoformat(row[0] | string) -%}
        {#- Consecutive days are one span. If there are many spans, all days are one. -#}
        {%- if spans and (spans[-1][1] == day or spans | length >= 50) -%}
            {%- do spans.append([spans.pop()[0], day + one_day]) -%}
        {%- else -%}
            {%- do spans.append([day, day + one_day]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set conditions = [] -%}
    {%- for first, after in spans -%}
        {%- do conditions.append(
            event_at ~ " >= timestamp '" ~ first ~ " 00:00:00' and " ~ event_at
            ~ " < timestamp '" ~ after ~ " 00:00:00'"
        ) -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or 'false') ~ ')') }}
{%- endmacro %}
