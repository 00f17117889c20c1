-- Whatever id of it somebody has at hand: the session's, the switch's, or that
-- of any record of the switch or of an assumption of the role.
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

-- A session may have been entered more than once in its second.
session_entries as (

    select * from {{ ref('session_entries') }}
    where session_id is not null

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
                then session_entries.session_id
        end as session_id,
        role_switches.role_switch_id
    from role_assumptions
    inner join session_entries
        on role_assumptions.assumption_key = session_entries.assumption_key
    left join role_switches
        on
            role_assumptions.role_assumption_id
            = role_switches.assume_role_event_id
    left join led_by_others
        on session_entries.entry_key = led_by_others.entry_key
    -- What led to the session of another led to none.
    where
        led_by_others.entry_key is null
        or role_switches.role_switch_id is not null

),

-- No session came of them, and no switch has them.
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
