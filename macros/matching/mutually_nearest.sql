{#- CTEs that pair rows one to one by mutual nearest choice, in rounds: a pair is made where each
    is the other's first choice, then again among the rows that are left over. The last CTE is
    `nearest_pairs`, with the two columns of keys. Rows with one candidate need no comparison: only the
    others go through the rounds. There each CTE is read once, since Athena computes a CTE anew wherever
    it is named.

    candidates: a CTE of possible pairs, with all the columns that are named here.
    left, right: the columns with the keys of the two sides.
    nearest_by: the columns by which both sides choose, the nearest first.
    left_ties, right_ties: the columns that decide between equally near rows of that side; after them
    the key decides.
    rounds: how many rounds of pairing there are. -#}
{% macro mutually_nearest(candidates, left, right, nearest_by, left_ties, right_ties, rounds) -%}
    {%- set columns = ([left, right] + nearest_by + left_ties + right_ties) | join(', ') -%}
    counted_candidates as (
        select
            *,
            count(*) over (partition by {{ left }}) = 1
            and count(*) over (partition by {{ right }}) = 1 as is_only_choice
        from {{ candidates }}
    ),

    contested_candidates as (
        select
            {{ columns }},
            0 as is_pair
        from counted_candidates
        where not is_only_choice
    ),
    {%- for round in range(1, rounds + 1) %}
    {%- set pool = 'contested_candidates' if loop.first else 'left_after_round_' ~ (round - 1) %}

    choices_of_round_{{ round }} as (
        select
            *,
            row_number() over (
                partition by {{ left }}, is_pair
                order by {{ (nearest_by + right_ties + [right]) | join(', ') }}
            ) as choice_of_left,
            row_number() over (
                partition by {{ right }}, is_pair
                order by {{ (nearest_by + left_ties + [left]) | join(', ') }}
            ) as choice_of_right
        from {{ pool }}
    ),

    pairs_of_round_{{ round }} as (
        select
            {{ columns }},
            case
                when is_pair = 1 or (choice_of_left = 1 and choice_of_right = 1) then 1
                else 0
            end as is_pair
        from choices_of_round_{{ round }}
    ),

    taken_in_round_{{ round }} as (
        select
            *,
            max(is_pair) over (partition by {{ left }}) as is_left_taken,
            max(is_pair) over (partition by {{ right }}) as is_right_taken
        from pairs_of_round_{{ round }}
    ),

    left_after_round_{{ round }} as (
        select
            {{ columns }},
            is_pair
        from taken_in_round_{{ round }}
        where is_pair = 1 or (is_left_taken = 0 and is_right_taken = 0)
    ),
    {%- endfor %}

    nearest_pairs as (
        select
            {{ left }},
            {{ right }}
        from left_after_round_{{ rounds }}
        where is_pair = 1
        union all
        select
            {{ left }},
            {{ right }}
        from counted_candidates
        where is_only_choice
    )
{%- endmacro %}
