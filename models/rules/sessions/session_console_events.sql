with

sessions as (select * from {{ ref('sessions') }}),

-- The console names a session after its user: this name is used where no record
-- tells the entrant's ARN.
entrants as (
    select distinct
        session_id,
        entrant_arn
    from {{ ref('entry_origins') }}
    where session_id is not null
),

renewals_and_exits as (
    select
        event_id || '/' || recipient_account_id as console_event_key,
        event_id,
        event_name,
        {{ mart_timestamp('event_at') }} as event_at,
        principal_id,
        identity_arn,
        coalesce(role_renewed_arn, switch_to_arn) as of_role_arn
    from {{ ref('corrected_identity_events') }}
    where
        event_source = 'signin.amazonaws.com'
        and event_name in ('RenewRole', 'ExitRole')
        and sign_in_outcome <> 'failure'
),

-- The record in the role's account names the session. The record in the source
-- account names the user and the role.
events_by_name as (
    select
        console_event_key as row_key,
        event_at as happened_at,
        'role' as side,
        principal_id as first_name,
        '' as second_name,
        '' as third_name,
        '' as entrant_arn
    from renewals_and_exits
    where of_role_arn is null
    union all
    select
        renewals_and_exits.console_event_key as row_key,
        renewals_and_exits.event_at as happened_at,
        'source' as side,
        {{ arn_account('renewals_and_exits.of_role_arn') }} as first_name,
        coalesce(
            {{ assumed_role_part('renewals_and_exits.of_role_arn', 'role') }},
            {{ arn_name('renewals_and_exits.of_role_arn') }}
        ) as second_name,
        {{ principal_name('renewals_and_exits.identity_arn') }} as third_name,
        case
            when entrants.is_known then renewals_and_exits.identity_arn
            else ''
        end as entrant_arn
    from renewals_and_exits
    cross join (values (true), (false)) as entrants (is_known)
    where renewals_and_exits.of_role_arn is not null
),

sessions_by_name as (
    select
        session_id as row_key,
        started_at as happened_at,
        'role' as side,
        principal_id as first_name,
        '' as second_name,
        '' as third_name,
        '' as entrant_arn
    from sessions
    union all
    select
        sessions.session_id as row_key,
        sessions.started_at as happened_at,
        'source' as side,
        sessions.role_account_id as first_name,
        sessions.role_name as second_name,
        sessions.role_session_name as third_name,
        coalesce(entrants.entrant_arn, '') as entrant_arn
    from sessions
    inner join entrants
        on sessions.session_id = entrants.session_id
),

{{ near_in_time(
    'near', 'events_by_name', 'sessions_by_name',
    keys=['side', 'first_name', 'second_name', 'third_name', 'entrant_arn']
) }},

possible as (
    select
        renewals_and_exits.console_event_key,
        renewals_and_exits.event_id,
        renewals_and_exits.event_name,
        renewals_and_exits.event_at,
        near.side,
        sessions.session_id,
        sessions.started_at
    from near
    inner join renewals_and_exits
        on near.seeker = renewals_and_exits.console_event_key
    inner join sessions
        on near.sought = sessions.session_id
    where
        near.seeker_at between near.sought_at and near.sought_at
        + interval '{{ var("longest_session_hours") }}' hour
),

-- An event belongs to the session that started last before it. A session that
-- began in the second of a renewal was begun by the renewal.
ranked as (
    select
        *,
        row_number() over (
            partition by console_event_key
            order by
                case when started_at < event_at then 0 else 1 end,
                started_at desc,
                session_id asc
        ) as sessions_ago
    from possible
),

events_of_sessions as (
    select
        console_event_key,
        event_id,
        event_name,
        event_at,
        side,
        session_id
    from ranked
    where sessions_ago = 1
)

select * from events_of_sessions
