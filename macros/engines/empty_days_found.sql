{#- The days of delivery that `rolecall verify`, which runs this, found to be proved empty, by account
    and region, and those that it found not to be any more. -#}
{% macro empty_days_found() -%}
    {{ told_log_days(var('empty_days'), 'is_empty') }}
{%- endmacro %}
