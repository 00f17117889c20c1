with

entry_origins as (
    select * from {{ ref('entry_origins') }}
    where origin = 'role session'
),

sessions as (select * from {{ ref('sessions') }}),

switch_parents as (select * from {{ ref('switch_parents') }}),

-- The caller's copy of an AssumeRole has the id of the caller's session.
calling_sessions as (
    select
        entry_origins.entry_key,
        entry_origins.session_id,
        sessions.session_id as parent_session_id,
        true as is_exact
    from entry_origins
    inner join sessions
        on entry_origins.caller_session_id = sessions.session_id
),

candidates as (
    select * from calling_sessions
    union all
    select
        entry_key,
        session_id,
        parent_session_id,
        false as is_exact
    from switch_parents
),

ranked as (
    select
        *,
        rank() over (
            partition by entry_key
            order by case when is_exact then 0 else 1 end
        ) as evidence_rank
    from candidates
),

parents as (
    select
        entry_key,
        session_id,
        parent_session_id,
        is_exact,
        count(*) over (partition by entry_key) as parent_count
    from ranked
    where evidence_rank = 1
)

select * from parents
