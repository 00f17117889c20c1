{#- The log files that whoever runs this load found to be archived in Glacier, and not loaded, by
    account, region and day of delivery; and the days that have none of them any more. -#}
{% macro archived_logs_found() -%}
    {{ return(adapter.dispatch('archived_logs_found')()) }}
{%- endmacro %}

{#- A folder has no archive. -#}
{% macro duckdb__archived_logs_found() -%}
    {{ told_log_days([], 'is_archived') }}
{%- endmacro %}

{#- Athena passes them over without a word. The command line lists the bucket, and says in the
    variable `archived_logs` what it found: accounts that have the same days share a row. -#}
{% macro athena__archived_logs_found() -%}
    {{ told_log_days(var('archived_logs'), 'is_archived') }}
{%- endmacro %}
