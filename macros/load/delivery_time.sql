{#- The time of delivery in the name of a log file, as text that sorts by it; '' where there is none. -#}
{% macro delivery_time(log_file) -%}
    coalesce(regexp_extract({{ log_file }}, '_(\d{8}T\d{4,6}Z)[_.][^/]*$', 1), '')
{%- endmacro %}
