{#- CTEs that find rows that may belong together by their time. They take linear time whatever the rows
    are, since whoever writes logs chooses the rows. Both kinds of rows are put in the order of time;
    each row of `seekers` gets the few rows of `sought` with the same keys that are next to it. The last
    CTE is `name`, with the columns `seeker`, `seeker_at`, `sought`, `sought_at` and `keys`. Conditions
    on time have to use these columns: with times of other tables, an engine may make all pairs first.
    Nothing is joined, and each CTE is read once, since Athena computes a CTE anew wherever it is named.

    seekers, sought: CTEs with the columns `row_key`, `happened_at` and those of `keys`; `sought` should
    be the one with fewer rows.
    reach: a seeker gets at least so many rows on either side, and no more than three times as many in
    all. Rows of one time are in the order of `row_key`. -#}
{% macro near_in_time(name, seekers, sought, keys, reach=8) -%}
    {{ name }}_rows as (
        {%- for rows, is_sought in ((seekers, 0), (sought, 1)) %}
        {{ 'union all' if not loop.first }}
        select
            {{ keys | join(', ') }},
            row_key,
            happened_at,
            {{ is_sought }} as is_sought
        from {{ rows }}
        where {% for key in keys %}{{ 'and ' if not loop.first }}{{ key }} is not null {% endfor %}
        {%- endfor %}
    ),

    {#- Blocks of `reach` sought rows, with the seekers among them. #}
    {{ name }}_in_order as (
        select
            *,
            cast(floor(
                sum(is_sought) over (
                    partition by {{ keys | join(', ') }}
                    order by happened_at, row_key, is_sought
                    rows between unbounded preceding and current row
                ) / {{ reach }}.0
            ) as bigint) as own_block
        from {{ name }}_rows
    ),

    {{ adapter.dispatch('near_blocks')(name, keys) }}
{%- endmacro %}

{#- A seeker looks into its own block and the two beside it. -#}
{% macro duckdb__near_blocks(name, keys) -%}
    {{ name }}_in_blocks as (
        select
            *,
            unnest(
                case
                    when is_sought = 1 then [own_block]
                    else [own_block - 1, own_block, own_block + 1]
                end
            ) as block
        from {{ name }}_in_order
    ),

    {{ name }}_with_found as (
        select
            *,
            list(struct_pack(sought := row_key, sought_at := happened_at))
                filter (where is_sought = 1)
                over (partition by {{ keys | join(', ') }}, block) as found
        from {{ name }}_in_blocks
    ),

    {{ name }}_found as (
        select
            {{ keys | join(', ') }},
            row_key as seeker,
            happened_at as seeker_at,
            unnest(found) as one
        from {{ name }}_with_found
        where is_sought = 0
    ),

    {{ name }} as (
        select
            {{ keys | join(', ') }},
            seeker,
            seeker_at,
            one.sought as sought,
            one.sought_at as sought_at
        from {{ name }}_found
    )
{%- endmacro %}

{% macro athena__near_blocks(name, keys) -%}
    {{ name }}_in_blocks as (
        select
            placed.*,
            blocks.block
        from {{ name }}_in_order as placed
        cross join unnest(
            case
                when is_sought = 1 then array[own_block]
                else array[own_block - 1, own_block, own_block + 1]
            end
        ) as blocks (block)
    ),

    {{ name }}_with_found as (
        select
            *,
            {#- Without null keys: seekers add nothing. #}
            map_agg(case when is_sought = 1 then row_key end, happened_at)
                over (partition by {{ keys | join(', ') }}, block) as found
        from {{ name }}_in_blocks
    ),

    {{ name }} as (
        select
            {%- for key in keys %}
            seekers.{{ key }},
            {%- endfor %}
            seekers.row_key as seeker,
            seekers.happened_at as seeker_at,
            found.sought,
            found.sought_at
        from {{ name }}_with_found as seekers
        cross join unnest(seekers.found) as found (sought, sought_at)
        where seekers.is_sought = 0
    )
{%- endmacro %}
