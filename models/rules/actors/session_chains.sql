with

parents as (
    select * from {{ ref('entry_parents') }}
    where parent_count = 1
),

session_parents as (select * from {{ ref('session_parents') }}),

{{ followed_chains('parents', 'session_parents', depth=8) }},

chains as (
    select
        entry_key,
        root_session_id,
        hop_count,
        is_cut,
        is_likely,
        source_identity
    from followed_chains
)

select * from chains
