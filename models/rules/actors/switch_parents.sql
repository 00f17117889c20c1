-- RULES 4: which sessions whoever switched out of a role may have been in.
with

entry_origins as (
    select * from {{ ref('entry_origins') }}
    where origin = 'role session'
),

sessions as (select * from {{ ref('sessions') }}),

-- SwitchFrom has the names of role and session. The principal id, if the source
-- half or the AssumeRole has it, also excludes a role made again under that
-- name.
switched_from as (
    select
        entry_key,
        session_id,
        entered_at,
        coalesce(
            case
                when entrant_principal_id like 'AROA%:%'
                    then entrant_principal_id
            end,
            {{ arn_account('source_arn') }} || '/'
            || {{ assumed_role_part('source_arn', 'role') }} || '/'
            || {{ assumed_role_part('source_arn', 'session') }}
        ) as source_key
    from entry_origins
    where source_arn is not null
),

entries_by_key as (
    select
        entry_key as row_key,
        entered_at as happened_at,
        source_key as session_key
    from switched_from
),

-- A switch names the session by either of these.
sessions_by_key as (
    select
        session_id as row_key,
        started_at as happened_at,
        principal_id as session_key
    from sessions
    union all
    select
        session_id as row_key,
        started_at as happened_at,
        role_account_id || '/' || role_name || '/' || role_session_name
            as session_key
    from sessions
),

-- Tools that assume a role for each command leave many sessions alive.
{{ near_in_time(
    'near', 'entries_by_key', 'sessions_by_key', keys=['session_key'], reach=50
) }},

sessions_alive as (
    select
        switched_from.entry_key,
        switched_from.session_id,
        sessions.session_id as parent_session_id
    from near
    inner join switched_from
        on near.seeker = switched_from.entry_key
    inner join sessions
        on near.sought = sessions.session_id
    where
        near.seeker_at between near.sought_at and near.sought_at
        + interval '{{ var("longest_session_hours") }}' hour
        and near.seeker_at <= sessions.alive_until
        and coalesce(switched_from.session_id, '') <> sessions.session_id
)

select * from sessions_alive
