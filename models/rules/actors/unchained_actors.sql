-- RULES 4: who is behind an entry, chains aside: by its own records or, if
-- several sessions were alive, the one actor behind all of them.
with

entry_origins as (select * from {{ ref('entry_origins') }}),

several_parent_actors as (select * from {{ ref('several_parent_actors') }}),

actors as (
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
            entry_origins.confidence_rank
        ) as confidence_rank,
        entry_origins.mfa,
        entry_origins.mfa_evidence
    from entry_origins
    left join several_parent_actors
        on entry_origins.entry_key = several_parent_actors.entry_key
)

select * from actors
