{#- The condition on a raw row that the partition of its log file lies in one of some spans of days
    of delivery, as literals, so that Athena reads no other; true where the table has no partitions
    by the day. -#}
{% macro delivered_within(spans) -%}
    {%- set columns = delivery_day_columns() -%}
    {%- set conditions = [] -%}
    {%- for first, last in spans if columns -%}
        {%- do conditions.append(
            partition_bound(columns, '>=', first) ~ ' and ' ~ partition_bound(columns, '<=', last)
        ) -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or 'true') ~ ')') }}
{%- endmacro %}
