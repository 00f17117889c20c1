with

entry_origins as (
    select * from {{ ref('entry_origins') }}
    where session_id is not null
),

sessions as (select * from {{ ref('sessions') }}),

entry_actors as (select * from {{ ref('entry_actors') }}),

-- If two people cannot be told apart, either may have led the session. Not one
-- whose key does not act while another's key does.
with_leader as (
    select
        entry_origins.entry_key,
        entry_origins.switch_key,
        entry_origins.assumption_key,
        entry_origins.session_id,
        entry_origins.entered_by,
        not sessions.is_contested
        or not entry_origins.may_lead as is_led_by_other,
        coalesce(
            entry_actors.actor_arn = leading_actors.actor_arn,
            -- Other kinds of names can be chosen, and so prove nothing.
            entry_actors.actor_type = 'identity center user'
            and leading_actors.actor_type = 'identity center user'
            and entry_actors.actor_name = leading_actors.actor_name,
            false
        ) as is_of_leading_actor,
        entry_origins.entered_by = leaders.entered_by as is_of_leading_entrant
    from entry_origins
    inner join sessions
        on entry_origins.session_id = sessions.session_id
    inner join entry_origins as leaders
        on sessions.entry_key = leaders.entry_key
    inner join entry_actors
        on entry_origins.entry_key = entry_actors.entry_key
    inner join entry_actors as leading_actors
        on leaders.entry_key = leading_actors.entry_key
    where
        entry_origins.entered_by is not null
        and not entry_origins.is_service_session
),

shared as (
    select
        entry_key,
        switch_key,
        assumption_key,
        session_id,
        is_led_by_other,
        -- Two entries in one second by the same entrant count once.
        row_number() over (
            partition by session_id, entered_by
            order by
                case when switch_key is null then 1 else 0 end,
                case when is_led_by_other then 1 else 0 end,
                entry_key
        ) as entry_number
    from with_leader
    where
        not is_led_by_other
        or (not is_of_leading_entrant and not is_of_leading_actor)
)

select * from shared
