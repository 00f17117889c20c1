{#- The region in a raw row's log file key or file name, null if neither has one. -#}
{% macro log_file_region() -%}
    {{ return(adapter.dispatch('log_file_region')()) }}
{%- endmacro %}

{% macro duckdb__log_file_region() -%}
    region
{%- endmacro %}

{% macro athena__log_file_region() -%}
    coalesce(
        regexp_extract("$path", '/CloudTrail/([^/]+)/\d{4}/\d\d/\d\d/', 1),
        regexp_extract("$path", '/\d{12}_CloudTrail_([^_/]+)_\d{8}T\d{4,6}Z[_.][^/]*$', 1)
    )
{%- endmacro %}
