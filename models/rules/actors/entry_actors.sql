with

entry_origins as (

    select * from {{ ref('entry_origins') }}

),

entry_parents as (

    select * from {{ ref('entry_parents') }}
    where parent_count = 1

),

session_chains as (

    select * from {{ ref('session_chains') }}

),

sessions as (

    select * from {{ ref('sessions') }}

),

several_parent_actors as (

    select * from {{ ref('several_parent_actors') }}

),

-- What the entry's own records say; of several sessions that were alive, who is
-- behind all of them.
own_evidence as (

    select
        entry_origins.entry_key,
        entry_origins.session_id,
        entry_origins.origin,
        entry_origins.role_session_name,
        entry_origins.source_identity,
        entry_origins.may_be_named_by_source_identity
        and several_parent_actors.actor_name is null
            as may_be_named_by_source_identity,
        entry_origins.hop_count,
        case
            when several_parent_actors.actor_name is not null
                then several_parent_actors.actor_arn
            else entry_origins.actor_arn
        end as actor_arn,
        case
            when
                several_parent_actors.entry_key is null
                or entry_origins.actor_method = 'source identity'
                then
                    coalesce(
                        several_parent_actors.actor_name,
                        entry_origins.actor_name
                    )
            else several_parent_actors.actor_name
        end as actor_name,
        coalesce(several_parent_actors.actor_type, entry_origins.actor_type)
            as actor_type,
        case
            when
                several_parent_actors.actor_name is null
                and entry_origins.actor_method = 'source identity'
                then entry_origins.actor_method
            when several_parent_actors.entry_key is not null then 'chain'
            else entry_origins.actor_method
        end as actor_method,
        coalesce(
            several_parent_actors.confidence_rank,
            {{ confidence_rank('entry_origins.actor_confidence') }}
        ) as confidence_rank,
        entry_origins.mfa,
        entry_origins.mfa_evidence
    from entry_origins
    left join several_parent_actors
        on entry_origins.entry_key = several_parent_actors.entry_key

),

-- Nobody is named where two people cannot be told apart, and nothing is known
-- of what lies beyond the end of a chain that is too long or a loop.
roots as (

    select
        session_chains.entry_key,
        session_chains.root_session_id,
        session_chains.hop_count,
        session_chains.is_cut,
        session_chains.is_likely,
        sessions.is_contested,
        coalesce(session_chains.source_identity, own_evidence.source_identity)
            as source_identity,
        own_evidence.may_be_named_by_source_identity
        and not session_chains.is_cut
        and not sessions.is_contested as may_be_named_by_source_identity,
        own_evidence.hop_count as root_hop_count,
        own_evidence.origin = 'service' and session_chains.hop_count = 1
            as is_service_child,
        case
            when session_chains.is_cut or sessions.is_contested
                then cast(null as varchar)
            else own_evidence.actor_arn
        end as actor_arn,
        case
            when session_chains.is_cut then own_evidence.role_session_name
            when not sessions.is_contested then own_evidence.actor_name
        end as actor_name,
        case
            when session_chains.is_cut or sessions.is_contested then 'unknown'
            else own_evidence.actor_type
        end as actor_type,
        case
            when session_chains.is_cut then 1
            else own_evidence.confidence_rank
        end as confidence_rank,
        case
            when session_chains.is_cut or sessions.is_contested then 'unknown'
            else own_evidence.mfa
        end as mfa,
        own_evidence.mfa_evidence
    from session_chains
    inner join sessions
        on session_chains.root_session_id = sessions.session_id
    inner join own_evidence
        on sessions.entry_key = own_evidence.entry_key

),

-- The evidence of a chained session is that of its root.
followed as (

    select
        own_evidence.entry_key,
        own_evidence.session_id,
        entry_parents.parent_session_id,
        coalesce(roots.root_session_id, own_evidence.session_id)
            as root_session_id,
        case
            when roots.entry_key is null then own_evidence.hop_count
            when roots.is_cut then roots.hop_count + 1
            else roots.hop_count + roots.root_hop_count
        end as chain_depth,
        own_evidence.source_identity as own_source_identity,
        coalesce(own_evidence.source_identity, roots.source_identity)
            as source_identity,
        coalesce(roots.may_be_named_by_source_identity, false)
        and coalesce(own_evidence.source_identity, roots.source_identity)
        is not null as is_named_by_source_identity,
        case
            when roots.entry_key is null then own_evidence.actor_arn
            else roots.actor_arn
        end as actor_arn,
        case
            when roots.entry_key is null then own_evidence.actor_name
            else roots.actor_name
        end as actor_name,
        case
            when roots.entry_key is null then own_evidence.actor_type
            else roots.actor_type
        end as actor_type,
        case
            when roots.entry_key is null then own_evidence.actor_method
            when roots.is_service_child then 'session name'
            else 'chain'
        end as actor_method,
        case
            when roots.entry_key is null then own_evidence.confidence_rank
            when roots.is_likely then least(roots.confidence_rank, 2)
            else roots.confidence_rank
        end as confidence_rank,
        case
            when roots.entry_key is null then own_evidence.mfa
            else roots.mfa
        end as mfa,
        case
            when roots.entry_key is null then own_evidence.mfa_evidence
            else roots.mfa_evidence
        end as mfa_evidence
    from own_evidence
    left join entry_parents
        on own_evidence.entry_key = entry_parents.entry_key
    left join roots
        on own_evidence.entry_key = roots.entry_key

),

-- Where no record at the root of the chain names anybody.
with_source_identity as (

    select
        entry_key,
        session_id,
        case
            when parent_session_id <> session_id or session_id is null
                then parent_session_id
        end as parent_session_id,
        root_session_id,
        chain_depth,
        source_identity,
        case when not is_named_by_source_identity then actor_arn end
            as actor_arn,
        case
            when is_named_by_source_identity then source_identity
            else actor_name
        end as actor_name,
        case
            when is_named_by_source_identity then 'unknown'
            else actor_type
        end as actor_type,
        case
            when
                is_named_by_source_identity
                and own_source_identity is not null
                then 'source identity'
            when is_named_by_source_identity then 'chain'
            else actor_method
        end as actor_method,
        case
            when is_named_by_source_identity then 2
            else confidence_rank
        end as confidence_rank,
        mfa,
        mfa_evidence
    from followed

),

actors as (

    select
        entry_key,
        session_id,
        parent_session_id,
        root_session_id,
        chain_depth,
        source_identity,
        actor_arn,
        actor_name,
        actor_type,
        case when actor_name is not null then actor_method end as actor_method,
        case
            when actor_name is not null
                then {{ confidence_name('confidence_rank') }}
        end as actor_confidence,
        mfa,
        case when mfa in ('yes', 'no') then mfa_evidence end as mfa_evidence
    from with_source_identity

)

select * from actors
