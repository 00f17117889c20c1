{#- The days of delivery, by account and region, that `rolecall verify` found to be proved empty, and
    those that are not proved any more. -#}
{% macro empty_days_found() -%}
    {{ log_days_from_variable(var('empty_days'), 'is_empty') }}
{%- endmacro %}
