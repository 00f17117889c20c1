{#- CTEs that pair rows one to one by mutual nearest choice, in rounds: a pair is made where each
    is the other's first choice, then again among what is left over. The last CTE is
    `nearest_pairs`, with the columns `one` and `other`. Where there is no choice nothing is
    compared: only what is contested goes through the rounds, in which each CTE is read once, since
    Athena computes a CTE anew wherever it is named.

    candidates: a CTE of possible pairs with the columns `one`, `other` (keys), `distance`,
    `one_tie`, `one_id`, `other_tie`, `other_id`; equal distances are decided by the tie, then the
    id, of the row that is chosen.
    rounds: how often what is left over is paired again. -#}
{% macro mutually_nearest(candidates, rounds=3) -%}
    counted_candidates as (

        select
            *,
            count(*) over (partition by one) = 1 and count(*) over (partition by other) = 1
                as is_only_choice
        from {{ candidates }}

    ),

    contested_candidates as (

        select
            one,
            other,
            distance,
            one_tie,
            one_id,
            other_tie,
            other_id,
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
                partition by one, is_pair order by distance, other_tie, other_id
            ) as choice_of_one,
            row_number() over (
                partition by other, is_pair order by distance, one_tie, one_id
            ) as choice_of_other
        from {{ pool }}

    ),

    pairs_of_round_{{ round }} as (

        select
            one,
            other,
            distance,
            one_tie,
            one_id,
            other_tie,
            other_id,
            case
                when is_pair = 1 or (choice_of_one = 1 and choice_of_other = 1) then 1
                else 0
            end as is_pair
        from choices_of_round_{{ round }}

    ),

    taken_in_round_{{ round }} as (

        select
            *,
            max(is_pair) over (partition by one) as is_one_taken,
            max(is_pair) over (partition by other) as is_other_taken
        from pairs_of_round_{{ round }}

    ),

    left_after_round_{{ round }} as (

        select
            one,
            other,
            distance,
            one_tie,
            one_id,
            other_tie,
            other_id,
            is_pair
        from taken_in_round_{{ round }}
        where is_pair = 1 or (is_one_taken = 0 and is_other_taken = 0)

    ),
    {%- endfor %}

    nearest_pairs as (

        select
            one,
            other
        from left_after_round_{{ rounds }}
        where is_pair = 1
        union all
        select
            one,
            other
        from counted_candidates
        where is_only_choice

    )
{%- endmacro %}
