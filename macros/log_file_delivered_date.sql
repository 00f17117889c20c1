{#- The day on which a raw row's log file was delivered: from its key, else its name, else the day
    of its newest record. -#}
{% macro log_file_delivered_date() -%}
    {{ return(adapter.dispatch('log_file_delivered_date')()) }}
{%- endmacro %}

{% macro duckdb__log_file_delivered_date() -%}
    delivered_date
{%- endmacro %}

{% macro athena__log_file_delivered_date() -%}
    coalesce(
        try(date_parse(
            regexp_extract("$path", '/CloudTrail/[^/]+/(\d{4}/\d\d/\d\d)/', 1), '%Y/%m/%d'
        )),
        try(date_parse(
            regexp_extract("$path", '_CloudTrail_[^_/]+_(\d{8})T\d{4,6}Z[_.][^/]*$', 1), '%Y%m%d'
        ))
    )
{%- endmacro %}
