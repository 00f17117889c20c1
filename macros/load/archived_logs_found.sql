{#- The days of delivery, by account and region, that have log files in Glacier which are not loaded, and
    the days that have none any more, as the command line found them. -#}
{% macro archived_logs_found() -%}
    {{ return(adapter.dispatch('archived_logs_found')()) }}
{%- endmacro %}

{#- Logs on disk are never archived. -#}
{% macro duckdb__archived_logs_found() -%}
    {{ log_days_from_variable([], 'is_archived') }}
{%- endmacro %}

{#- Athena leaves them out without an error. The command line lists the bucket and passes its findings
    in the variable `archived_logs`: accounts that have the same days share an item. -#}
{% macro athena__archived_logs_found() -%}
    {{ log_days_from_variable(var('archived_logs'), 'is_archived') }}
{%- endmacro %}
