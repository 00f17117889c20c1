-- A switch that no session came of has no more than its own records.
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
    where role_sessions.session_id = :session_id

),

of_switch as (

    select
        session_id,
        role_switch_id,
        cast(null as varchar) as start_method,
        switched_at as started_at,
        outcome,
        error_message,
        seen_in,
        role_account_id,
        role_name,
        role_arn,
        role_session_name,
        source_arn,
        cast(null as varchar) as parent_session_id,
        cast(null as varchar) as root_session_id,
        cast(null as integer) as chain_depth,
        actor_arn,
        actor_name,
        actor_type,
        actor_method,
        actor_confidence,
        mfa,
        mfa_evidence,
        source_ip_address,
        user_agent,
        cast(null as timestamp) as first_action_at,
        cast(null as timestamp) as last_action_at,
        cast(null as bigint) as action_count,
        cast(null as bigint) as write_count,
        cast(null as bigint) as denied_count,
        cast(null as bigint) as source_ip_count,
        cast(null as boolean) as has_data_events,
        cast(null as timestamp) as expires_at,
        cast(null as timestamp) as exited_at,
        cast(null as bigint) as renewal_count,
        role_event_id,
        source_event_id,
        assume_role_event_id
    from role_switches
    where role_switch_id = :role_switch_id and :session_id is null

)

select * from of_session
union all
select * from of_switch
