-- from_day is the first instant of that day, to_day the first instant after it.
with

role_entries as (

    select * from {{ ref('role_entries') }}

),

asked_for as (

    select * from role_entries
    where
        {{ is_asked_for_entry() }}

)

select
    entered_at,
    how,
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
    source_identity,
    role_account_id,
    role_name,
    role_arn,
    role_session_name,
    mfa,
    mfa_evidence,
    source_ip_address,
    address_evidence,
    aws_region,
    user_agent,
    action_count,
    write_count,
    denied_count,
    has_data_events,
    first_action_at,
    last_action_at,
    expires_at,
    exited_at,
    renewal_count,
    session_id,
    role_switch_id,
    role_assumption_id,
    entry_id
from asked_for
order by entered_at, entry_id
