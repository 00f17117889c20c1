-- Whatever id of it somebody has at hand: the session's, the switch's, or that
-- of any record of the switch or of the assumption of the role.
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

ids as (

    select
        session_id as known_id,
        session_id,
        role_switch_id
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
        role_assumptions.caller_event_id as known_id,
        role_sessions.session_id,
        role_sessions.role_switch_id
    from role_assumptions
    inner join role_sessions
        on
            role_assumptions.role_assumption_id
            = role_sessions.assume_role_event_id
    union all
    select
        role_assumptions.role_event_id as known_id,
        role_sessions.session_id,
        role_sessions.role_switch_id
    from role_assumptions
    inner join role_sessions
        on
            role_assumptions.role_assumption_id
            = role_sessions.assume_role_event_id

)

select distinct
    known_id,
    session_id,
    role_switch_id
from ids
where lower(known_id) like :id escape '\'
order by known_id, session_id, role_switch_id
