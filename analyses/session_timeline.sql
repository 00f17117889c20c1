-- Only the days from the session's first to its last action are read.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}
    where session_id = :session_id

),

replaced_events as (

    select * from {{ ref('replaced_events') }}

),

events as (

    select
        *,
        {{ session_principal_id() }} as session_principal_id,
        {{ session_access_key() }} as session_access_key
    from {{ ref('events') }}
    where {{ is_session_action() }}

),

actions as (

    select
        events.event_at,
        events.event_source,
        events.event_name,
        events.aws_region,
        events.source_ip_address,
        {{ is_write('events.is_read_only', 'events.event_name') }} as is_write,
        {{ is_denied('events.error_code') }} as is_denied,
        events.error_code,
        events.error_message,
        events.user_agent,
        events.resources,
        events.request_parameters,
        events.event_id,
        events.recipient_account_id
    from role_sessions
    inner join events
        on
            {{ is_of_session(
                'events',
                principal_id='session_principal_id',
                access_key='session_access_key'
            ) }}
            and events.event_at between
            role_sessions.first_action_at
            and role_sessions.last_action_at
    left join replaced_events
        on
            events.event_id = replaced_events.event_id
            and events.recipient_account_id
            = replaced_events.recipient_account_id
    where replaced_events.event_id is null

)

select * from actions
order by event_at, event_id, recipient_account_id
