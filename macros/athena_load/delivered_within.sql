{#- The condition on a raw row that the partition of its log file lies in one of some spans of days
    of delivery (load_slice.sql), as literals, so that Athena reads no other; true where the table
    has no partitions by the day. -#}
{% macro delivered_within(spans) -%}
    {%- set columns = delivery_day_columns() -%}
    {%- set conditions = [] -%}
    {%- for first, last, only in spans if columns -%}
        {%- do conditions.append(
            partition_bound(columns, '>=', first) ~ ' and ' ~ partition_bound(columns, '<=', last)
            ~ (' and ' ~ is_in_partitions(only) if only else '')
        ) -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or 'true') ~ ')') }}
{%- endmacro %}

{#- The condition on a raw row that one of some partition columns has one of its values. -#}
{% macro is_in_partitions(columns) -%}
    {%- set conditions = [] -%}
    {%- for column, values in columns.items() -%}
        {%- set texts = [] -%}
        {%- for value in values -%}
            {%- do texts.append(sql_text(value)) -%}
        {%- endfor -%}
        {%- do conditions.append('"' ~ column ~ '" in (' ~ (texts | join(', ')) ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ')) ~ ')') }}
{%- endmacro %}
