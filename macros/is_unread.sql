{#- The condition on a raw row that its log file is an event log which no load has taken yet. -#}
{% macro is_unread() -%}
    {{ return(adapter.dispatch('is_unread')()) }}
{%- endmacro %}

{#- The reader leaves out what the ledger has as done, without opening it. -#}
{% macro duckdb__is_unread() -%}
    true
{%- endmacro %}

{% macro athena__is_unread() -%}
    {%- set first_day = modules.datetime.date.fromisoformat(load_from_day()) -%}
    {%- set last_day = run_started_at.date() + modules.datetime.timedelta(days=1) -%}
    {%- set from_day = sql_text(first_day) -%}
    {%- set log_reads = store_relation('log_reads') -%}
    {#- Digests and insights lie beside the logs, and an account's whole folder may be the source. -#}
    coalesce(
        regexp_extract("$path", 'AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/([^/]+)/', 1), 'CloudTrail'
    ) = 'CloudTrail'
    and {{ delivered_between(first_day, last_day) }}
    and coalesce({{ log_file_delivered_date() }} >= date {{ from_day }}, true)
    {%- if log_reads %}
    and {{ log_file() }} not in (
        select done.log_file
        from {{ log_reads }} as done
        where
            done.status in ('loaded', 'empty')
            and coalesce(done.delivered_date >= date {{ from_day }}, true)
    )
    {%- endif %}
    {%- for skipped in var('skip_log_files', []) %}
    and {{ log_file() }} <> {{ sql_text(skipped) }}
    {%- endfor %}
{%- endmacro %}
