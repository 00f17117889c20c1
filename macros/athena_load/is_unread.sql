{#- The condition on a raw row that its log file is an event log which no load has taken yet, and
    that this run is to read. -#}
{% macro is_unread() -%}
    {{ return(adapter.dispatch('is_unread')()) }}
{%- endmacro %}

{#- The reader leaves out what the ledger has as done, without opening it. -#}
{% macro duckdb__is_unread() -%}
    true
{%- endmacro %}

{% macro athena__is_unread() -%}
    {%- for _, values in partitions_left_alone().items() -%}
        {%- do log(
            'Leaves the logs of ' ~ (values | join(', ')) ~ ' to `rolecall refresh`, which loads'
            ~ ' their past first.',
            info=true
        ) -%}
    {%- endfor -%}
    {{ is_unread_of(load_slice()) }}
{%- endmacro %}

{#- The same of the logs that were delivered in some spans of days. -#}
{% macro is_unread_of(spans) -%}
    {%- set from_day = sql_text(spans[0][0]) -%}
    {#- Digests and insights lie beside the logs, and an account's whole folder may be the source. -#}
    coalesce(
        regexp_extract("$path", 'AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/([^/]+)/', 1), 'CloudTrail'
    ) = 'CloudTrail'
    and {{ delivered_within(spans) }}
    and coalesce({{ log_file_delivered_date() }} >= date {{ from_day }}, true)
    and {{ is_not_done(log_file(), from_day) }}
    {%- for column, values in partitions_left_alone().items() %}
    and "{{ column }}" not in (
        {%- for value in values %}{{ sql_text(value) }}{{ '' if loop.last else ', ' }}{% endfor -%}
    )
    {%- endfor %}
    {#- The path itself: Athena does not open what a condition on it leaves out. -#}
    {%- for path in var('skip_log_files') %}
    and "$path" <> {{ sql_text(path) }}
    {%- endfor %}
{%- endmacro %}
