-- A day stands for its first instant, the last day for the first one after it.
select
    switched_at,
    outcome,
    error_message,
    seen_in,
    actor_name,
    actor_type,
    actor_method,
    actor_confidence,
    actor_arn,
    source_account_id,
    source_name,
    source_arn,
    role_account_id,
    role_name,
    role_arn,
    role_session_name,
    mfa,
    mfa_evidence,
    source_ip_address,
    aws_region,
    user_agent,
    session_id,
    role_switch_id,
    role_event_id,
    source_event_id,
    assume_role_event_id
from {{ ref('role_switches') }}
where
    (:from_day is null or switched_at >= :from_day)
    and (:to_day is null or switched_at < :to_day)
    and (
        :account is null
        or role_account_id = :account
        or source_account_id = :account
    )
    and (
        :user is null
        or lower(source_name) like :user escape '\'
        or lower(source_arn) like :user escape '\'
        or lower(actor_name) like :user escape '\'
        or lower(actor_arn) like :user escape '\'
        or lower(role_session_name) like :user escape '\'
    )
    and (
        :role is null
        or lower(role_name) like :role escape '\'
        or lower(role_arn) like :role escape '\'
    )
    and (:outcome is null or outcome = :outcome)
    and (:mfa is null or mfa = :mfa)
order by switched_at, role_switch_id
