{#- The condition on a raw row that the partition of its log file lies in one of some spans of days
    of delivery, as literals, so that Athena reads no other; true where the table has no partitions
    by the day. -#}
{% macro delivered_within(spans) -%}
    {%- set columns = delivery_day_columns() -%}
    {%- set conditions = [] -%}
    {%- for span in spans if columns -%}
        {%- do conditions.append(
            partition_bound(columns, '>=', span[0]) ~ ' and '
            ~ partition_bound(columns, '<=', span[1])
            ~ (' and ' ~ is_in_added_partition(span[2]) if span | length > 2 else '')
        ) -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or 'true') ~ ')') }}
{%- endmacro %}
