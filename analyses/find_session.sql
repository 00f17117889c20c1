-- By any id: that of the session, of the switch, or of a record of the switch
-- or of an assumption of the role.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}

),

role_switches as (

    select * from {{ ref('role_switches') }}

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}

),

led_by_others as (

    select * from {{ ref('shared_session_entries') }}
    where is_led_by_other

),

assumptions as (

    select
        role_assumptions.caller_event_id,
        role_assumptions.role_event_id,
        case
            when led_by_others.entry_key is null
                then role_assumptions.session_id
        end as session_id,
        role_switches.role_switch_id
    from role_assumptions
    left join role_switches
        on
            role_assumptions.role_assumption_id
            = role_switches.assume_role_event_id
    left join led_by_others
        on role_assumptions.assumption_key = led_by_others.assumption_key
    -- An assumption into another's session leads to none, except by its switch.
    where
        role_assumptions.session_id is not null
        and (
            led_by_others.entry_key is null
            or role_switches.role_switch_id is not null
        )

),

-- They have no session, and belong to no switch.
refused_assumptions as (

    select role_assumptions.*
    from role_assumptions
    left join role_switches
        on
            role_assumptions.role_assumption_id
            = role_switches.assume_role_event_id
    where
        role_assumptions.outcome = 'failure'
        and role_switches.role_switch_id is null

),

ids as (

    select
        session_id as known_id,
        session_id,
        cast(null as varchar) as role_switch_id
    from role_sessions
    union all
    select
        role_event_id as known_id,
        session_id,
        role_switch_id
    from role_switches
    union all
    select
        source_event_id as known_id,
        session_id,
        role_switch_id
    from role_switches
    union all
    select
        caller_event_id as known_id,
        session_id,
        role_switch_id
    from assumptions
    union all
    select
        role_event_id as known_id,
        session_id,
        role_switch_id
    from assumptions
    union all
    select
        coalesce(caller_event_id, role_event_id) as known_id,
        cast(null as varchar) as session_id,
        cast(null as varchar) as role_switch_id
    from refused_assumptions

)

select distinct
    known_id,
    session_id,
    role_switch_id
from ids
where lower(known_id) like :id escape '\'
order by known_id, session_id, role_switch_id
