-- From the counts of all loads: no event is read.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}
    where session_id = :session_id

),

session_actions as (

    select * from {{ ref('corrected_session_actions') }}

),

grouped as (

    select
        session_actions.event_source,
        session_actions.event_name,
        session_actions.aws_region,
        session_actions.source_ip_address,
        min(session_actions.first_action_at) as first_action_at,
        max(session_actions.last_action_at) as last_action_at,
        cast(sum(session_actions.action_count) as bigint) as action_count,
        cast(sum(session_actions.write_count) as bigint) as write_count,
        cast(sum(session_actions.denied_count) as bigint) as denied_count
    from role_sessions
    inner join session_actions
        on {{ is_of_session('session_actions') }}
    group by
        session_actions.event_source,
        session_actions.event_name,
        session_actions.aws_region,
        session_actions.source_ip_address

)

select * from grouped
order by
    first_action_at, event_source, event_name, aws_region, source_ip_address
