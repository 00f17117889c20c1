with

parents as (
    select * from {{ ref('entry_parents') }}
    where parent_count > 1
),

sessions as (select * from {{ ref('sessions') }}),

session_chains as (select * from {{ ref('session_chains') }}),

entry_origins as (select * from {{ ref('entry_origins') }}),

-- The root of each session that was alive.
roots as (
    select
        parents.entry_key,
        parents.parent_session_id,
        coalesce(session_chains.root_session_id, parents.parent_session_id)
            as root_session_id,
        coalesce(session_chains.is_cut, false) as is_cut,
        coalesce(session_chains.is_likely, false) as is_likely,
        coalesce(parent_origins.source_identity, session_chains.source_identity)
            as source_identity
    from parents
    inner join sessions
        on parents.parent_session_id = sessions.session_id
    inner join entry_origins as parent_origins
        on sessions.entry_key = parent_origins.entry_key
    left join session_chains
        on sessions.entry_key = session_chains.entry_key
),

-- Nobody, where two people entered it.
with_actors as (
    select
        roots.entry_key,
        roots.parent_session_id,
        sessions.entry_key as root_entry_key,
        -- It names the actor only if no record at the root names one.
        case
            when
                entry_origins.may_be_named_by_source_identity
                and not roots.is_cut
                then
                    coalesce(
                        roots.source_identity, entry_origins.source_identity
                    )
        end as source_identity,
        case when not roots.is_cut then entry_origins.actor_arn end
            as actor_arn,
        case
            when roots.is_cut then entry_origins.role_session_name
            else entry_origins.actor_name
        end as actor_name,
        case when roots.is_cut then 'unknown' else entry_origins.actor_type end
            as actor_type,
        case when roots.is_cut then 1 else entry_origins.confidence_rank end
            as confidence_rank
    from roots
    inner join sessions
        on roots.root_session_id = sessions.session_id
    left join entry_origins
        on sessions.actor_entry_key = entry_origins.entry_key
),

entries_with_several as (
    select distinct entry_key
    from parents
),

listed as (
    select
        with_actors.entry_key,
        with_actors.parent_session_id,
        -- If a parent came from several sessions itself, its actor is found in
        -- a later round.
        entries_with_several.entry_key as depends_on_entry_key,
        with_actors.source_identity,
        with_actors.actor_arn,
        coalesce(with_actors.source_identity, with_actors.actor_name)
            as actor_name,
        case
            when with_actors.source_identity is not null then 'unknown'
            else with_actors.actor_type
        end as actor_type,
        case
            when with_actors.source_identity is not null then 2
            else with_actors.confidence_rank
        end as confidence_rank
    from with_actors
    left join entries_with_several
        on with_actors.root_entry_key = entries_with_several.entry_key
)

select * from listed
