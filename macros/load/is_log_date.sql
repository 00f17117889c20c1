{#- Whether a log can be of a day: CloudTrail is of 2013, and the days up to one far off would
    fill memory. scripts/rolecall/trail_layout.py has these years as `LOG_YEARS`. -#}
{% macro is_log_date(day) -%}
    {{ day }} between date '2013-01-01' and date '2099-12-31'
{%- endmacro %}
