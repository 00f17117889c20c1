{#- A CTE for `near_in_time`: the rows of a table once for each of their names, with `row_key`,
    `happened_at`, `named_by`, and the columns that hold the name.

    rows: a CTE; key, time: its key and its time.
    columns: the names of the columns for the parts of a name. A row with a null part is not found.
    names: for each kind of name its label, its parts, and the condition of the rows that have it.
    carried: columns that are keys beside the name. -#}
{% macro rows_by_name(name, rows, key, time, columns, names, carried=[]) -%}
    {{ name }} as (
        {%- for named_by, parts, condition in names %}
        {{ 'union all' if not loop.first }}
        select
            {{ key }} as row_key,
            {{ time }} as happened_at,
            {%- for column in carried %}
            {{ column }},
            {%- endfor %}
            '{{ named_by }}' as named_by,
            {%- for column in columns %}
            {{ parts[loop.index0] }} as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ rows }}
        where {{ condition }}
        {%- endfor %}
    )
{%- endmacro %}
