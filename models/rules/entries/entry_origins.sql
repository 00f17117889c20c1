with

evidence as (select * from {{ ref('entry_evidence') }}),

contests as (select * from {{ ref('entry_contests') }}),

recorded_actors as (select * from {{ ref('recorded_actors') }}),

entry_mfa as (select * from {{ ref('entry_mfa') }}),

origins as (
    select
        evidence.entry_key,
        evidence.session_id,
        evidence.switch_key,
        evidence.assumption_key,
        evidence.principal_id,
        evidence.started_at,
        evidence.entered_at,
        evidence.start_method,
        evidence.origin,
        contests.entered_by,
        contests.may_lead,
        contests.is_key_used,
        contests.is_contested,
        evidence.is_service_session,
        evidence.role_account_id,
        evidence.role_name,
        evidence.role_session_name,
        evidence.caller_session_id,
        evidence.entrant_principal_id,
        evidence.source_arn,
        coalesce(evidence.source_arn, evidence.caller_arn) as entrant_arn,
        contests.source_identity,

        ---------- who is behind it, chains aside
        recorded_actors.may_be_named_by_source_identity,
        recorded_actors.actor_arn,
        recorded_actors.actor_name,
        recorded_actors.actor_type,
        recorded_actors.actor_method,
        recorded_actors.confidence_rank,

        ---------- with MFA or not, chains aside
        entry_mfa.mfa,
        entry_mfa.mfa_evidence,

        -- A parent that is known to exist is a hop, even if it is not found.
        case when evidence.origin = 'role session' then 1 else 0 end
            as hop_count

    from evidence
    inner join contests
        on evidence.entry_key = contests.entry_key
    inner join recorded_actors
        on evidence.entry_key = recorded_actors.entry_key
    inner join entry_mfa
        on evidence.entry_key = entry_mfa.entry_key
)

select * from origins
