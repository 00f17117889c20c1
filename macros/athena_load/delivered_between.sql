{#- The condition on a raw row that the partition of its log file lies in a window of days of
    delivery, so that Athena reads no other; true where the table has no partitions by the day.
    `first` and `last` are dates of Python, which become literals, or timestamps in SQL, of which a
    null one bounds nothing. -#}
{% macro delivered_between(first, last) -%}
    {%- set columns = delivery_day_columns() -%}
    {%- set bounds = [] -%}
    {%- for operator, day in [('>=', first), ('<=', last)] if columns -%}
        {%- set bound = partition_bound(columns, operator, day) -%}
        {%- do bounds.append('(' ~ day ~ ' is null or ' ~ bound ~ ')' if day is string else bound) -%}
    {%- endfor -%}
    {{ return(bounds | join(' and ') or 'true') }}
{%- endmacro %}

{% macro partition_bound(columns, operator, day) -%}
    {%- set bound = '"' ~ columns[0].name ~ '" ' ~ operator ~ ' ' ~ partition_value(
        columns[0], day
    ) -%}
    {%- if columns | length == 1 -%}
        {{ return(bound) }}
    {%- endif -%}
    {#- Year, month and day as one number: people write April as 04, as 4 and as an integer. The
        year by itself lets the catalogue leave out the others. -#}
    {%- set numbers = [] -%}
    {%- for column in columns -%}
        {%- do numbers.append('try_cast("' ~ column.name ~ '" as integer)') -%}
    {%- endfor -%}
    {{ return(
        '(' ~ bound ~ ' and ' ~ numbers[0] ~ ' * 10000 + ' ~ numbers[1] ~ ' * 100 + ' ~ numbers[2]
        ~ ' ' ~ operator ~ ' ' ~ partition_value({'type': 'int', 'form': '%Y%m%d'}, day) ~ ')'
    ) }}
{%- endmacro %}

{#- A day as a value of a partition column. -#}
{% macro partition_value(column, day) -%}
    {%- if column.type == 'date' -%}
        {{ return('cast(' ~ day ~ ' as date)' if day is string else "date '" ~ day ~ "'") }}
    {%- endif -%}
    {%- set is_number = 'int' in column.type -%}
    {%- if day is string -%}
        {%- set text = 'date_format(' ~ day ~ ", '" ~ column.form ~ "')" -%}
        {{ return('cast(' ~ text ~ ' as integer)' if is_number else text) }}
    {%- endif -%}
    {%- set text = day.strftime(column.form) -%}
    {{ return(text if is_number else sql_text(text)) }}
{%- endmacro %}
