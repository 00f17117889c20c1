-- from_day is the first instant of that day, to_day the first instant after it.
with

role_switches as (

    select * from {{ ref('role_switches') }}

),

role_sessions as (

    select
        *,
        {{ session_ends_at() }} as ends_at
    from {{ ref('role_sessions') }}

)

select
    role_switches.switched_at,
    role_switches.outcome,
    role_switches.error_message,
    role_switches.seen_in,
    role_switches.actor_name,
    role_switches.actor_type,
    role_switches.actor_method,
    role_switches.actor_confidence,
    role_switches.actor_arn,
    role_switches.source_account_id,
    role_switches.source_name,
    role_switches.source_arn,
    role_switches.role_account_id,
    role_switches.role_name,
    role_switches.role_arn,
    role_switches.role_session_name,
    role_switches.mfa,
    role_switches.mfa_evidence,
    role_switches.source_ip_address,
    role_switches.aws_region,
    role_switches.user_agent,
    role_sessions.action_count,
    role_sessions.write_count,
    role_sessions.denied_count,
    role_sessions.has_data_events,
    role_sessions.last_action_at,
    role_sessions.expires_at,
    role_sessions.exited_at,
    role_switches.session_id,
    role_switches.role_switch_id,
    role_switches.role_event_id,
    role_switches.source_event_id,
    role_switches.assume_role_event_id
from role_switches
left join role_sessions
    on role_switches.session_id = role_sessions.session_id
where
    (:from_day is null or role_switches.switched_at >= :from_day)
    and (:to_day is null or role_switches.switched_at < :to_day)
    and (
        :account is null
        or role_switches.role_account_id = :account
        or role_switches.source_account_id = :account
    )
    and (
        :source_account is null
        or role_switches.source_account_id = :source_account
    )
    and (
        :user is null
        or {{ is_like_any('user', [
            'role_switches.source_name', 'role_switches.source_arn',
            'role_switches.actor_name', 'role_switches.actor_arn',
            'role_switches.role_session_name', 'role_switches.source_identity'
        ]) }}
    )
    and (
        :role is null
        or {{ is_like_any('role', [
            'role_switches.role_name', 'role_switches.role_arn'
        ]) }}
    )
    and (:outcome is null or role_switches.outcome = :outcome)
    and (:mfa is null or role_switches.mfa = :mfa)
    and (
        :active_at is null
        or (
            role_sessions.started_at <= :active_at
            and role_sessions.ends_at > :active_at
        )
    )
order by role_switches.switched_at, role_switches.role_switch_id
