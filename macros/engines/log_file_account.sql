{#- The account in a raw row's log file key or file name, null if neither has one. -#}
{% macro log_file_account() -%}
    {{ return(adapter.dispatch('log_file_account')()) }}
{%- endmacro %}

{% macro duckdb__log_file_account() -%}
    account
{%- endmacro %}

{% macro athena__log_file_account() -%}
    coalesce(
        regexp_extract("$path", '^(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?(\d{12})/', 1),
        regexp_extract("$path", '/(\d{12})_CloudTrail_[^_/]+_\d{8}T\d{4,6}Z[_.][^/]*$', 1)
    )
{%- endmacro %}
