{#- The key that names a raw row's log file wherever the trail is moved to: from `AWSLogs/` on.
    A file outside that layout is named by its path below the log root. -#}
{% macro log_file() -%}
    {{ return(adapter.dispatch('log_file')()) }}
{%- endmacro %}

{#- The reader knows the log root, which the path alone does not tell. -#}
{% macro duckdb__log_file() -%}
    log_file
{%- endmacro %}

{% macro athena__log_file() -%}
    coalesce(
        regexp_extract("$path", '^(?:.*/)?(AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/.*)$', 1),
        regexp_replace("$path", '^s3://[^/]+/', '')
    )
{%- endmacro %}
