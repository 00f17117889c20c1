with

entry_origins as (

    select * from {{ ref('entry_origins') }}
    where session_id is not null

),

sessions as (

    select * from {{ ref('sessions') }}

),

entry_actors as (

    select * from {{ ref('entry_actors') }}

),

-- Of two who cannot be told apart each may have led it, but not one whose key
-- does not act where another's does.
led_by_others as (

    select
        entry_origins.entry_key,
        entry_origins.switch_key,
        entry_origins.assumption_key,
        entry_origins.session_id
    from entry_origins
    inner join sessions
        on
            entry_origins.session_id = sessions.session_id
            and entry_origins.entry_key <> sessions.entry_key
    inner join entry_origins as leaders
        on sessions.entry_key = leaders.entry_key
    inner join entry_actors
        on entry_origins.entry_key = entry_actors.entry_key
    inner join entry_actors as leading_actors
        on leaders.entry_key = leading_actors.entry_key
    where
        not entry_origins.is_service_session
        and entry_origins.entered_by <> leaders.entered_by
        and not (sessions.is_contested and entry_origins.may_lead)
        and coalesce(
            entry_actors.actor_arn <> leading_actors.actor_arn, true
        )
        -- Of all other names, their users choose some.
        and not (
            entry_actors.actor_type = 'identity center user'
            and leading_actors.actor_type = 'identity center user'
            and coalesce(
                entry_actors.actor_name = leading_actors.actor_name, false
            )
        )

)

select * from led_by_others
