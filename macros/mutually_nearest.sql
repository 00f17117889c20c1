{#- CTEs that pair rows one to one by mutual nearest choice, in rounds: a pair is made where each
    is the other's first choice, then again among what is left over. The last CTE is
    `nearest_pairs`, with the columns `one` and `other`.

    candidates: a CTE of possible pairs with the columns `one`, `other` (keys), `distance`,
    `one_tie`, `one_id`, `other_tie`, `other_id`; equal distances are decided by the tie, then the
    id, of the row that is chosen.
    rounds: how often what is left over is paired again. -#}
{% macro mutually_nearest(candidates, rounds=3) -%}
    {%- for round in range(1, rounds + 1) %}
    {%- set pool = candidates if loop.first else 'left_after_round_' ~ (round - 1) %}
    choices_of_round_{{ round }} as (

        select
            *,
            row_number() over (
                partition by one order by distance, other_tie, other_id
            ) as choice_of_one,
            row_number() over (
                partition by other order by distance, one_tie, one_id
            ) as choice_of_other
        from {{ pool }}

    ),

    pairs_of_round_{{ round }} as (

        select
            one,
            other
        from choices_of_round_{{ round }}
        where choice_of_one = 1 and choice_of_other = 1

    ),
    {% if not loop.last %}
    left_after_round_{{ round }} as (

        select {{ pool }}.*
        from {{ pool }}
        left join pairs_of_round_{{ round }} as pairs_of_one
            on {{ pool }}.one = pairs_of_one.one
        left join pairs_of_round_{{ round }} as pairs_of_other
            on {{ pool }}.other = pairs_of_other.other
        where pairs_of_one.one is null and pairs_of_other.other is null

    ),
    {% endif %}
    {%- endfor %}

    nearest_pairs as (
        {% for round in range(1, rounds + 1) %}
        select
            one,
            other
        from pairs_of_round_{{ round }}
        {% if not loop.last %}union all{% endif %}
        {%- endfor %}
    )
{%- endmacro %}
