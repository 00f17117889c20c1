{#- The key of a raw row's log file, from `AWSLogs/` on, so that it stays the same if the trail is moved.
    For a file outside that layout, its path below the log root. -#}
{% macro log_file() -%}
    {{ return(adapter.dispatch('log_file')()) }}
{%- endmacro %}

{#- Only the reader knows the log root. -#}
{% macro duckdb__log_file() -%}
    log_file
{%- endmacro %}

{% macro athena__log_file() -%}
    coalesce(
        regexp_extract("$path", '^(?:.*/)?(AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/.*)$', 1),
        regexp_replace("$path", '^s3://[^/]+/', '')
    )
{%- endmacro %}
