{#- How far apart two timestamps are, in milliseconds, never negative. Both engines take the same SQL. -#}
{% macro milliseconds_apart(one, other) -%}
    abs(date_diff('millisecond', {{ one }}, {{ other }}))
{%- endmacro %}
