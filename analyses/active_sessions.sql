with

role_sessions as (

    select
        *,
        {{ session_ends_at() }} as ends_at
    from {{ ref('role_sessions') }}

)

select
    started_at,
    start_method,
    actor_name,
    actor_type,
    actor_confidence,
    role_account_id,
    role_name,
    role_session_name,
    mfa,
    source_ip_address,
    action_count,
    write_count,
    denied_count,
    last_action_at,
    ends_at,
    session_id
from role_sessions
where started_at <= :active_at and ends_at > :active_at
order by started_at, session_id
