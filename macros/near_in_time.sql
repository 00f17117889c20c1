{#- CTEs that find what may belong together by its time, in linear time whatever the rows are, since
    others choose them: each row of `seekers` gets the rows of `sought` with the same keys that are
    next to it when both are put in the order of time, few of them. The last CTE is `name`, with
    the columns `seeker`, `seeker_at`, `sought`, `sought_at` and `keys`: by these times it is
    confined further, since a comparison with those of other tables may be made of all pairs first.

    seekers, sought: CTEs with the columns `row_key`, `happened_at` and those of `keys`; sought is
    what there is less of.
    reach: at least so many rows that are sought are taken on either side of a seeker, and no more
    than three times as many. Rows of one time are in the order of `row_key`. -#}
{% macro near_in_time(name, seekers, sought, keys, reach=8) -%}
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
            cast(floor(
                sum(is_sought) over (
                    partition by {{ keys | join(', ') }}
                    order by happened_at, row_key, is_sought
                    rows between unbounded preceding and current row
                ) / {{ reach }}.0
            ) as bigint) as place
        from {{ name }}_rows

    ),

    {#- As a union: where the steps are joined, all of one key may be compared first. #}
    {{ name }}_places as (
        {%- for step in (-1, 0, 1) %}
        {{ 'union all' if not loop.first }}
        select
            {{ keys | join(', ') }},
            row_key,
            happened_at,
            place + ({{ step }}) as place
        from {{ name }}_in_order
        where is_sought = 0
        {%- endfor %}

    ),

    {{ name }} as (

        select
            {%- for key in keys %}
            places.{{ key }},
            {%- endfor %}
            places.row_key as seeker,
            places.happened_at as seeker_at,
            sought.row_key as sought,
            sought.happened_at as sought_at
        from {{ name }}_places as places
        inner join {{ name }}_in_order as sought
            on places.place = sought.place
            {%- for key in keys %}
            and places.{{ key }} = sought.{{ key }}
            {%- endfor %}
        where sought.is_sought = 1

    )
{%- endmacro %}
