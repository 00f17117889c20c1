{#- A CTE for `near_in_time`: the rows of a table by each of the names that they may be known by, with
    `row_key`, `happened_at`, `named_by`, and the columns that hold the name.

    rows: a CTE; key, time: its key and its time.
    columns: what to call the parts of a name. Rows of which a part is null are found by none.
    names: for each kind of name what it is called, its parts, and the condition of the rows that
    have it.
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
