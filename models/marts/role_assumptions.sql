with

assumptions as (select * from {{ ref('assumptions') }}),

entry_origins as (
    select * from {{ ref('entry_origins') }}
    where assumption_key is not null
),

entry_actors as (select * from {{ ref('entry_actors') }}),

published as (
    select
        ---------- key
        assumptions.assumption_key,
        assumptions.role_assumption_id,

        ---------- the request
        assumptions.assumed_at,
        assumptions.event_name,
        entry_origins.start_method,
        assumptions.seen_in,
        assumptions.outcome,
        assumptions.error_code,
        assumptions.error_message,

        ---------- the role
        assumptions.role_account_id,
        assumptions.role_name,
        assumptions.role_arn,
        assumptions.role_session_name,
        assumptions.principal_id,
        assumptions.assumed_role_arn,
        assumptions.issued_access_key_id,
        assumptions.credentials_expire_at,

        ---------- the caller, as logged
        assumptions.caller_type,
        assumptions.caller_principal_id,
        assumptions.caller_arn,
        assumptions.caller_account_id,
        assumptions.caller_user_name,
        assumptions.caller_access_key_id,
        assumptions.caller_session_created_at,
        assumptions.is_caller_mfa_authenticated,
        assumptions.mfa_serial,
        assumptions.invoked_by,
        assumptions.identity_provider,
        assumptions.saml_subject,
        assumptions.saml_subject_type,
        assumptions.web_identity_subject,
        assumptions.web_identity_provider,
        -- The console also assumes roles for services: that is not a switch.
        entry_origins.start_method = 'console switch' as is_console_switch,
        assumptions.is_service_assumption,
        entry_origins.is_service_session,

        ---------- who is behind it
        entry_actors.actor_arn,
        entry_actors.actor_name,
        entry_actors.actor_type,
        entry_actors.actor_method,
        entry_actors.actor_confidence,
        entry_actors.source_identity,
        entry_actors.mfa,
        entry_actors.mfa_evidence,

        ---------- from where
        assumptions.source_ip_address,
        assumptions.user_agent,
        assumptions.aws_region,

        ---------- the session that came of it, the one before, and the records
        entry_origins.session_id,
        entry_actors.parent_session_id,
        entry_actors.chain_depth,
        entry_origins.switch_key,
        assumptions.caller_event_id,
        assumptions.role_event_id,
        assumptions.shared_event_id

    from assumptions
    inner join entry_origins
        on assumptions.assumption_key = entry_origins.assumption_key
    inner join entry_actors
        on entry_origins.entry_key = entry_actors.entry_key
)

select * from published
