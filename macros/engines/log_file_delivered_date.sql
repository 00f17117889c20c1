{#- The day on which a raw row's log file was delivered, from its key, else its name; null if neither has
    a day that a log can be of (is_log_date.sql). -#}
{% macro log_file_delivered_date() -%}
    {{ return(adapter.dispatch('log_file_delivered_date')()) }}
{%- endmacro %}

{% macro duckdb__log_file_delivered_date() -%}
    delivered_date
{%- endmacro %}

{% macro athena__log_file_delivered_date() -%}
    {%- set year = '20(?:1[3-9]|[2-9]\d)' -%}
    cast(
        coalesce(
            try(date_parse(
                regexp_extract("$path", '/CloudTrail/[^/]+/({{ year }}/\d\d/\d\d)/', 1), '%Y/%m/%d'
            )),
            try(date_parse(
                regexp_extract(
                    "$path", '/\d{12}_CloudTrail_[^_/]+_({{ year }}\d{4})T\d{4,6}Z[_.][^/]*$', 1
                ),
                '%Y%m%d'
            ))
        ) as date
    )
{%- endmacro %}
