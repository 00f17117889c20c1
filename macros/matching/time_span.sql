{#- The number of the span of `seconds` that a timestamp is in. Times that are no more than that apart
    are in one span or in neighbouring spans, so that they can be joined by equality. -#}
{% macro time_span(timestamp, seconds) -%}
    cast(
        floor(
            date_diff('second', timestamp '1970-01-01 00:00:00', {{ timestamp }})
            / {{ [seconds, 1] | max }}.0
        ) as bigint
    )
{%- endmacro %}
