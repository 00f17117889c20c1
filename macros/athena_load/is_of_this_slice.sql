{#- The condition on a file of staging that this run is to load it: staging may hold more. -#}
{% macro is_of_this_slice() -%}
    {{ return(adapter.dispatch('is_of_this_slice')()) }}
{%- endmacro %}

{#- The reader gives no more than a slice. -#}
{% macro duckdb__is_of_this_slice() -%}
    {{ return('true') }}
{%- endmacro %}

{#- A table that cannot be read by the day is staged in one scan: of what the ledger lacks of it,
    the command line says how much is a slice; with dbt alone the oldest `slice_days` days are. -#}
{% macro athena__is_of_this_slice() -%}
    {%- if not is_staged_whole() -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set is_left = is_not_done('log_file') -%}
    {%- set days = days_to_read() -%}
    {%- set before = days.staged_before if days else day_after_staged_slice(is_left) -%}
    {%- if not before -%}
        {{ return(is_left) }}
    {%- endif -%}
    {{ return(is_left ~ ' and coalesce(delivered_date < date ' ~ sql_text(before) ~ ', true)') }}
{%- endmacro %}

{#- The day before which dbt alone takes what staging has, none to take it all. -#}
{% macro day_after_staged_slice(is_left) -%}
    {%- set as_date, day = modules.datetime.date.fromisoformat, modules.datetime.timedelta(days=1) -%}
    {%- set staged = run_query(
        'select cast(min(delivered_date) as varchar) as first_day,'
        ~ ' cast(max(delivered_date) as varchar) as last_day from '
        ~ store_relation('stg_cloudtrail__events') ~ ' where ' ~ is_left
    ).rows[0] -%}
    {%- if not staged[0] -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set first, last = as_date(staged[0] | string), as_date(staged[1] | string) -%}
    {%- set span = [first, [first + (var('slice_days') | int - 1) * day, last] | min] -%}
    {%- do say_what_remains(span, last) -%}
    {{ return(span[1] + day if span[1] < last else none) }}
{%- endmacro %}

{#- Whether staging holds all that is unread, of which a load takes a part. -#}
{% macro is_staged_whole() -%}
    {{ return(adapter.dispatch('is_staged_whole')()) }}
{%- endmacro %}

{% macro duckdb__is_staged_whole() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro athena__is_staged_whole() -%}
    {{ return(can_ask() and not delivery_day_columns()) }}
{%- endmacro %}
