{#- How far apart two timestamps are, in milliseconds, never negative. -#}
{% macro milliseconds_apart(one, other) -%}
    abs(date_diff('millisecond', {{ one }}, {{ other }}))
{%- endmacro %}
