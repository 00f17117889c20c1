with

several_parents as (select * from {{ ref('several_parents') }}),

{{ one_actor_of_several('several_parents', rounds=3) }},

actors as (
    select
        entry_key,
        actor_arn,
        actor_name,
        actor_type,
        confidence_rank
    from one_actor_of_several
)

select * from actors
