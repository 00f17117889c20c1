{#- The day on which a raw row's log file was delivered, from its key, else its name; null where
    neither says. -#}
{% macro log_file_delivered_date() -%}
    {{ return(adapter.dispatch('log_file_delivered_date')()) }}
{%- endmacro %}

{% macro duckdb__log_file_delivered_date() -%}
    delivered_date
{%- endmacro %}

{% macro athena__log_file_delivered_date() -%}
    cast(
        coalesce(
            try(date_parse(
                regexp_extract("$path", '/CloudTrail/[^/]+/(\d{4}/\d\d/\d\d)/', 1), '%Y/%m/%d'
            )),
            try(date_parse(
                regexp_extract(
                    "$path", '/\d{12}_CloudTrail_[^_/]+_(\d{8})T\d{4,6}Z[_.][^/]*$', 1
                ),
                '%Y%m%d'
            ))
        ) as date
    )
{%- endmacro %}
