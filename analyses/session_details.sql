-- The id of a switch gives its own records and its own actor: people of one
-- name who entered a role in one second are in one session. A switch without a
-- session has nothing more.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}

),

role_switches as (

    select * from {{ ref('role_switches') }}

),

of_session as (

    select
        role_sessions.session_id,
        role_sessions.role_switch_id,
        role_sessions.start_method,
        role_sessions.started_at,
        role_switches.outcome,
        role_switches.error_message,
        role_switches.seen_in,
        role_sessions.role_account_id,
        role_sessions.role_name,
        role_sessions.role_arn,
        role_sessions.role_session_name,
        role_switches.source_arn,
        role_sessions.parent_session_id,
        role_sessions.root_session_id,
        role_sessions.chain_depth,
        role_sessions.actor_arn,
        role_sessions.actor_name,
        role_sessions.actor_type,
        role_sessions.actor_method,
        role_sessions.actor_confidence,
        role_sessions.mfa,
        role_sessions.mfa_evidence,
        role_sessions.source_ip_address,
        role_sessions.address_evidence,
        role_sessions.source_identity,
        role_switches.user_agent,
        role_sessions.first_action_at,
        role_sessions.last_action_at,
        role_sessions.action_count,
        role_sessions.write_count,
        role_sessions.denied_count,
        role_sessions.source_ip_count,
        role_sessions.has_data_events,
        role_sessions.expires_at,
        role_sessions.exited_at,
        role_sessions.renewal_count,
        role_switches.role_event_id,
        role_switches.source_event_id,
        role_sessions.assume_role_event_id
    from role_sessions
    left join role_switches
        on role_sessions.role_switch_id = role_switches.role_switch_id
    where
        role_sessions.session_id = :session_id
        and :role_switch_id is null

),

of_switch as (

    select
        role_switches.session_id,
        role_switches.role_switch_id,
        role_sessions.start_method,
        coalesce(role_sessions.started_at, role_switches.switched_at)
            as started_at,
        role_switches.outcome,
        role_switches.error_message,
        role_switches.seen_in,
        role_switches.role_account_id,
        role_switches.role_name,
        role_switches.role_arn,
        role_switches.role_session_name,
        role_switches.source_arn,
        role_sessions.parent_session_id,
        role_sessions.root_session_id,
        role_sessions.chain_depth,
        role_switches.actor_arn,
        role_switches.actor_name,
        role_switches.actor_type,
        role_switches.actor_method,
        role_switches.actor_confidence,
        role_switches.mfa,
        role_switches.mfa_evidence,
        role_switches.source_ip_address,
        role_switches.address_evidence,
        role_switches.source_identity,
        role_switches.user_agent,
        role_sessions.first_action_at,
        role_sessions.last_action_at,
        role_sessions.action_count,
        role_sessions.write_count,
        role_sessions.denied_count,
        role_sessions.source_ip_count,
        role_sessions.has_data_events,
        role_sessions.expires_at,
        role_sessions.exited_at,
        role_sessions.renewal_count,
        role_switches.role_event_id,
        role_switches.source_event_id,
        role_switches.assume_role_event_id
    from role_switches
    left join role_sessions
        on role_switches.session_id = role_sessions.session_id
    where role_switches.role_switch_id = :role_switch_id

)

select * from of_session
union all
select * from of_switch
