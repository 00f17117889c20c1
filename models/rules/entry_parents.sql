with

entry_origins as (

    select * from {{ ref('entry_origins') }}
    where origin = 'role session'

),

sessions as (

    select * from {{ ref('sessions') }}

),

-- The caller's copy of an AssumeRole tells its session.
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

-- SwitchFrom names the role and the session name; who assumed the role, or left
-- for it, has an id that a role made again under that name has not.
switched_from as (

    select
        entry_key,
        session_id,
        entered_at,
        {{ arn_account('source_arn') }} as source_account_id,
        {{ assumed_role_part('source_arn', 'role') }} as source_role_name,
        {{ assumed_role_part('source_arn', 'session') }} as source_session_name,
        case
            when entrant_principal_id like 'AROA%:%' then entrant_principal_id
        end as source_principal_id
    from entry_origins
    where source_arn is not null

),

alive_by_id as (

    select
        switched_from.entry_key,
        switched_from.session_id,
        sessions.session_id as parent_session_id,
        false as is_exact
    from switched_from
    inner join sessions
        on
            switched_from.source_principal_id = sessions.principal_id
            and switched_from.entered_at
            between sessions.started_at and sessions.alive_until
            and coalesce(switched_from.session_id, '') <> sessions.session_id

),

alive_by_name as (

    select
        switched_from.entry_key,
        switched_from.session_id,
        sessions.session_id as parent_session_id,
        false as is_exact
    from switched_from
    inner join sessions
        on
            switched_from.source_account_id = sessions.role_account_id
            and switched_from.source_role_name = sessions.role_name
            and switched_from.source_session_name = sessions.role_session_name
            and switched_from.entered_at
            between sessions.started_at and sessions.alive_until
            and coalesce(switched_from.session_id, '') <> sessions.session_id
    where switched_from.source_principal_id is null

),

candidates as (

    select * from calling_sessions
    union all
    select * from alive_by_id
    union all
    select * from alive_by_name

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
