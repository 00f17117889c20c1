-- RULES 9: the sessions in which services act, or that only a service has
-- begun.
with

starts as (
    select
        session_id,
        caller_session_id,
        is_activity_of_service,
        case
            when switch_key is not null then 'person'
            when is_service_assumption then 'service'
            when assumption_method = 'pod identity' then 'node'
            else 'person'
        end as begun_by
    from {{ ref('entries') }}
    where session_id is not null
),

services as (
    select session_id
    from starts
    group by 1
    having
        max(case when is_activity_of_service then 1 else 0 end) = 1
        or (min(begun_by) = 'service' and max(begun_by) = 'service')
),

-- A node asks for the sessions of its pods: they are a service's if it is.
pods as (
    select starts.session_id
    from starts
    left join services
        on starts.caller_session_id = services.session_id
    group by 1
    having
        min(starts.begun_by) = 'node'
        and max(starts.begun_by) = 'node'
        and count(*) = count(services.session_id)
),

sessions as (
    select session_id from services
    union distinct
    select session_id from pods
)

select * from sessions
