-- Many services name a resource only in the request.
with

events as (

    select
        *,
        {{ session_principal_id() }} as session_principal_id,
        {{ session_access_key() }} as session_access_key,
        {{ is_assumed_root_session('identity_type', 'is_assumed_root') }}
            as is_of_assume_root
    from {{ ref('events') }}
    where
        (
            lower(resources) like '%' || :resource || '%' escape '\'
            or lower(request_parameters) like '%' || :resource || '%' escape '\'
        )
        and (:from_day is null or event_at >= :from_day)
        and (:to_day is null or event_at < :to_day)

),

replaced_events as (

    select * from {{ ref('replaced_events') }}

),

role_sessions as (

    select * from {{ ref('role_sessions') }}

),

-- The role's account sees only the unique id of a caller from elsewhere.
entrants as (

    select
        role_event_id as event_id,
        actor_name,
        actor_confidence
    from {{ ref('role_assumptions') }}
    where role_event_id is not null

),

touched as (

    select
        events.event_at,
        -- Somebody who acts as root by AssumeRoot is not called root.
        coalesce(
            role_sessions.actor_name,
            entrants.actor_name,
            case
                when not events.is_of_assume_root
                    then
                        coalesce(
                            events.user_name,
                            {{ principal_name('events.identity_arn') }},
                            events.invoked_by
                        )
            end
        ) as actor_name,
        case
            when role_sessions.session_id is not null
                then role_sessions.actor_confidence
            when entrants.event_id is not null then entrants.actor_confidence
            when events.is_of_assume_root then cast(null as varchar)
            when events.identity_type in ('IAMUser', 'Root') then 'certain'
        end as actor_confidence,
        events.identity_arn,
        events.event_source,
        events.event_name,
        {{ is_write('events.is_read_only', 'events.event_name') }} as is_write,
        {{ is_denied('events.error_code') }} as is_denied,
        events.error_code,
        events.aws_region,
        events.source_ip_address,
        events.recipient_account_id,
        role_sessions.session_id,
        events.event_id
    from events
    left join role_sessions
        on {{ is_of_session(
            'events',
            principal_id='session_principal_id',
            access_key='session_access_key'
        ) }}
    left join entrants
        on events.event_id = entrants.event_id
    left join replaced_events
        on
            events.event_id = replaced_events.event_id
            and events.recipient_account_id
            = replaced_events.recipient_account_id
    where replaced_events.event_id is null

)

select * from touched
order by event_at, event_id, recipient_account_id
