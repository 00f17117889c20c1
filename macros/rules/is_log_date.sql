{#- RULES 11: whether a log can be of a day. CloudTrail began in 2013, and a day far in the future would
    make so many days without logs that they fill memory. scripts/rolecall/trail_layout.py has these
    years as `LOG_YEARS`. -#}
{% macro is_log_date(day) -%}
    {{ day }} between date '2013-01-01' and date '2099-12-31'
{%- endmacro %}
