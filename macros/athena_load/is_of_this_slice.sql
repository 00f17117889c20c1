{#- The condition on a file of staging that this run is to load it: staging may hold more. -#}
{% macro is_of_this_slice() -%}
    {{ return(adapter.dispatch('is_of_this_slice')()) }}
{%- endmacro %}

{#- The reader gives no more than a slice. -#}
{% macro duckdb__is_of_this_slice() -%}
    {{ return('true') }}
{%- endmacro %}

{#- A table that cannot be read by the day is staged in one scan: of what the ledger lacks of it,
    the oldest `slice_days` days are a slice. -#}
{% macro athena__is_of_this_slice() -%}
    {%- if not is_staged_whole() -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set is_left = is_not_done('log_file') -%}
    {%- set days = run_query(
        'select cast(min(delivered_date) as varchar) as first_day,'
        ~ ' cast(max(delivered_date) as varchar) as last_day from '
        ~ store_relation('stg_cloudtrail__events') ~ ' where ' ~ is_left
    ).rows[0] -%}
    {%- if not days[0] -%}
        {{ return(is_left) }}
    {%- endif -%}
    {%- set first = modules.datetime.date.fromisoformat(days[0] | string) -%}
    {%- set last = modules.datetime.date.fromisoformat(days[1] | string) -%}
    {%- set part = first_days([[first, last]], var('slice_days') | int) -%}
    {%- do say_what_remains(part) -%}
    {%- if not part.rest -%}
        {{ return(is_left) }}
    {%- endif -%}
    {%- set after = sql_text(part.rest[0][0]) -%}
    {{ return(is_left ~ ' and coalesce(delivered_date < date ' ~ after ~ ', true)') }}
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
