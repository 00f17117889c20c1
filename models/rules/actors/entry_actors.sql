with

unchained_actors as (select * from {{ ref('unchained_actors') }}),

entry_parents as (
    select * from {{ ref('entry_parents') }}
    where parent_count = 1
),

session_chains as (select * from {{ ref('session_chains') }}),

sessions as (select * from {{ ref('sessions') }}),

unchained as (
    select
        entries.entry_key,
        entries.session_id,
        cast(null as varchar) as parent_session_id,
        entries.session_id as root_session_id,
        entries.hop_count as chain_depth,
        entries.source_identity,
        entries.actor_arn,
        entries.actor_name,
        entries.actor_type,
        entries.actor_method,
        entries.confidence_rank,
        entries.mfa,
        entries.mfa_evidence
    from unchained_actors as entries
    left join session_chains
        on entries.entry_key = session_chains.entry_key
    where session_chains.entry_key is null
),

-- Nobody is named if two people cannot be told apart, or if the chain is too
-- long or a loop, so that its root is not known.
with_root as (
    select
        entries.entry_key,
        entries.session_id,
        entry_parents.parent_session_id,
        session_chains.root_session_id,
        session_chains.hop_count,
        session_chains.is_cut,
        session_chains.is_likely,
        not session_chains.is_cut and not sessions.is_contested as is_known,
        entries.source_identity as own_source_identity,
        coalesce(
            entries.source_identity,
            session_chains.source_identity,
            roots.source_identity
        ) as source_identity,
        roots.may_be_named_by_source_identity,
        roots.origin,
        roots.role_session_name,
        roots.hop_count as root_hop_count,
        roots.actor_arn,
        roots.actor_name,
        roots.actor_type,
        roots.confidence_rank,
        roots.mfa,
        roots.mfa_evidence
    from session_chains
    inner join unchained_actors as entries
        on session_chains.entry_key = entries.entry_key
    inner join entry_parents
        on session_chains.entry_key = entry_parents.entry_key
    inner join sessions
        on session_chains.root_session_id = sessions.session_id
    inner join unchained_actors as roots
        on sessions.entry_key = roots.entry_key
),

-- A source identity names the actor if no record at the root names one.
with_source_identity as (
    select
        *,
        coalesce(
            is_known
            and may_be_named_by_source_identity
            and source_identity is not null,
            false
        ) as is_named
    from with_root
),

chained as (
    select
        entry_key,
        session_id,
        case
            when parent_session_id <> session_id or session_id is null
                then parent_session_id
        end as parent_session_id,
        root_session_id,
        hop_count + case when is_cut then 1 else root_hop_count end
            as chain_depth,
        source_identity,
        case when is_known and not is_named then actor_arn end as actor_arn,
        case
            when is_named then source_identity
            when is_cut then role_session_name
            when is_known then actor_name
        end as actor_name,
        case
            when is_known and not is_named then actor_type
            else 'unknown'
        end as actor_type,
        case
            when is_named and own_source_identity is not null
                then 'source identity'
            when not is_named and origin = 'service' and hop_count = 1
                then 'session name'
            else 'chain'
        end as actor_method,
        case
            when is_named then 2
            when is_cut then 1
            when is_likely then least(confidence_rank, 2)
            else confidence_rank
        end as confidence_rank,
        case when is_known then mfa else 'unknown' end as mfa,
        mfa_evidence
    from with_source_identity
),

entries as (
    select * from unchained
    union all
    select * from chained
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
                then
                    case confidence_rank
                        when 3 then 'certain'
                        when 2 then 'likely'
                        when 1 then 'guess'
                    end
        end as actor_confidence,
        mfa,
        case when mfa in ('yes', 'no') then mfa_evidence end as mfa_evidence
    from entries
)

select * from actors
