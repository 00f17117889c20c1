with

sessions as (

    select
        *,
        started_at + interval '{{ var("longest_session_hours") }}' hour
            as may_end_at
    from {{ ref('sessions') }}

),

-- Who enters by the console gives the session their name, should nothing else
-- tell who it was.
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

-- In the role's account the session itself is named.
in_role_account as (

    select
        renewals_and_exits.console_event_key,
        renewals_and_exits.event_id,
        renewals_and_exits.event_name,
        renewals_and_exits.event_at,
        'role' as side,
        sessions.session_id,
        sessions.started_at
    from renewals_and_exits
    inner join sessions
        on
            renewals_and_exits.principal_id = sessions.principal_id
            and renewals_and_exits.event_at
            between sessions.started_at and sessions.may_end_at
    where renewals_and_exits.of_role_arn is null

),

-- In the source account who is in it, and the role.
in_source_account as (

    select
        renewals_and_exits.console_event_key,
        renewals_and_exits.event_id,
        renewals_and_exits.event_name,
        renewals_and_exits.event_at,
        'source' as side,
        sessions.session_id,
        sessions.started_at
    from renewals_and_exits
    inner join sessions
        on
            {{ arn_account('renewals_and_exits.of_role_arn') }}
            = sessions.role_account_id
            and coalesce(
                {{ assumed_role_part(
                    'renewals_and_exits.of_role_arn', 'role'
                ) }},
                {{ arn_name('renewals_and_exits.of_role_arn') }}
            ) = sessions.role_name
            and {{ principal_name('renewals_and_exits.identity_arn') }}
            = sessions.role_session_name
            and renewals_and_exits.event_at
            between sessions.started_at and sessions.may_end_at
    inner join entrants
        on sessions.session_id = entrants.session_id
    where
        entrants.entrant_arn is null
        or entrants.entrant_arn = renewals_and_exits.identity_arn

),

possible as (

    select * from in_role_account
    union all
    select * from in_source_account

),

-- It is of the session that started last before it: what was assumed in the
-- second of a renewal, the renewal did.
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
