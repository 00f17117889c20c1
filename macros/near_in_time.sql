{#- CTEs that find what may belong together by its time, in linear time whatever the rows are, since
    others choose them: each row of `seekers` gets the rows of `sought` with the same keys that are
    next to it when both are put in the order of time, few of them. The last CTE is `name`, with
    the columns `seeker`, `sought` and `keys`.

    seekers, sought: CTEs with the columns `row_key`, `happened_at` and those of `keys`; sought is
    what there is less of.
    before, after: how many rows that are sought are taken on either side of a seeker. Rows of one
    time are in the order of `row_key`. -#}
{% macro near_in_time(name, seekers, sought, keys, before=8, after=8) -%}
    {{ name }}_keys as (

        select {{ keys | join(', ') }} from {{ sought }}
        intersect
        select {{ keys | join(', ') }} from {{ seekers }}

    ),

    {{ name }}_rows as (

        select
            {%- for key in keys %}
            seekers.{{ key }},
            {%- endfor %}
            seekers.row_key,
            seekers.happened_at,
            0 as is_sought
        from {{ seekers }} as seekers
        inner join {{ name }}_keys as keys
            on {% for key in keys %}{{ 'and ' if not loop.first }}seekers.{{ key }} = keys.{{ key }}
            {% endfor %}
        union all
        select
            {%- for key in keys %}
            sought.{{ key }},
            {%- endfor %}
            sought.row_key,
            sought.happened_at,
            1 as is_sought
        from {{ sought }} as sought
        inner join {{ name }}_keys as keys
            on {% for key in keys %}{{ 'and ' if not loop.first }}sought.{{ key }} = keys.{{ key }}
            {% endfor %}

    ),

    {{ name }}_in_order as (

        select
            *,
            sum(is_sought) over (
                partition by {{ keys | join(', ') }}
                order by happened_at, row_key, is_sought
                rows between unbounded preceding and current row
            ) as sought_so_far
        from {{ name }}_rows

    ),

    {{ name }} as (

        select
            {%- for key in keys %}
            seekers.{{ key }},
            {%- endfor %}
            seekers.row_key as seeker,
            sought.row_key as sought
        from {{ name }}_in_order as seekers
        cross join (values
            {%- for step in range(1 - before, after + 1) %} ({{ step }}){{ ',' if not loop.last }}
            {%- endfor %}) as steps (step)
        inner join {{ name }}_in_order as sought
            on seekers.sought_so_far + steps.step = sought.sought_so_far
            {%- for key in keys %}
            and seekers.{{ key }} = sought.{{ key }}
            {%- endfor %}
        where seekers.is_sought = 0 and sought.is_sought = 1

    )
{%- endmacro %}
