-- From the counts that every load left: no event is read. What one load brought
-- of an action from one address is counted as a whole where part of it is in
-- the window.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}
    where
        (
            lower(actor_name) like :person escape '\'
            or lower(actor_arn) like :person escape '\'
        )
        and (:to_day is null or started_at < :to_day)

),

session_actions as (

    select * from {{ ref('session_actions') }}
    where
        (:from_day is null or last_action_at >= :from_day)
        and (:to_day is null or first_action_at < :to_day)

),

done as (

    select
        role_sessions.started_at,
        role_sessions.actor_name,
        role_sessions.actor_confidence,
        role_sessions.role_account_id,
        role_sessions.role_name,
        session_actions.event_source,
        session_actions.event_name,
        session_actions.aws_region,
        min(session_actions.first_action_at) as first_action_at,
        max(session_actions.last_action_at) as last_action_at,
        cast(sum(session_actions.action_count) as bigint) as action_count,
        cast(sum(session_actions.write_count) as bigint) as write_count,
        cast(sum(session_actions.denied_count) as bigint) as denied_count,
        role_sessions.session_id
    from role_sessions
    left join session_actions
        on
            role_sessions.principal_id = session_actions.principal_id
            and role_sessions.started_at
            = date_trunc('second', session_actions.session_created_at)
    where
        session_actions.principal_id is not null
        or :from_day is null
        or role_sessions.started_at >= :from_day
    group by
        role_sessions.started_at,
        role_sessions.actor_name,
        role_sessions.actor_confidence,
        role_sessions.role_account_id,
        role_sessions.role_name,
        session_actions.event_source,
        session_actions.event_name,
        session_actions.aws_region,
        role_sessions.session_id

)

select * from done
order by started_at, session_id, first_action_at, event_source, event_name
