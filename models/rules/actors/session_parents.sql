with

sessions as (select * from {{ ref('sessions') }}),

entry_origins as (select * from {{ ref('entry_origins') }}),

parents as (
    select * from {{ ref('entry_parents') }}
    where parent_count = 1
),

session_parents as (
    select
        sessions.session_id,
        parents.parent_session_id,
        parents.is_exact,
        entry_origins.source_identity
    from parents
    inner join sessions
        on parents.entry_key = sessions.actor_entry_key
    inner join entry_origins
        on parents.entry_key = entry_origins.entry_key
)

select * from session_parents
