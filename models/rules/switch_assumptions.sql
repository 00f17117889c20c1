with

console_switches as (

    -- A refused switch assumed no role.
    select * from {{ ref('console_switches') }}
    where outcome <> 'failure'

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}
    where outcome = 'success'

),

-- The role half names the session: it was assumed in the same second or two.
of_same_session as (

    select
        console_switches.switch_key as one,
        role_assumptions.assumption_key as other,
        {{ milliseconds_apart(
            'console_switches.switched_at', 'role_assumptions.assumed_at'
        ) }} as distance,
        console_switches.switched_at as one_tie,
        console_switches.role_switch_id as one_id,
        role_assumptions.assumed_at as other_tie,
        role_assumptions.role_assumption_id as other_id
    from console_switches
    inner join role_assumptions
        on
            console_switches.role_principal_id = role_assumptions.principal_id
            and {{ milliseconds_apart(
                'console_switches.switched_at', 'role_assumptions.assumed_at'
            ) }} <= {{ 1000 * var('session_match_seconds') }}

),

-- A source half without twin names the caller and the role only.
of_same_caller as (

    select
        console_switches.switch_key as one,
        role_assumptions.assumption_key as other,
        {{ milliseconds_apart(
            'console_switches.switched_at', 'role_assumptions.assumed_at'
        ) }} as distance,
        console_switches.switched_at as one_tie,
        console_switches.role_switch_id as one_id,
        role_assumptions.assumed_at as other_tie,
        role_assumptions.role_assumption_id as other_id
    from console_switches
    inner join role_assumptions
        on
            console_switches.source_principal_id
            = role_assumptions.caller_principal_id
            and console_switches.role_account_id
            = role_assumptions.role_account_id
            and console_switches.role_name = role_assumptions.role_name
            and {{ milliseconds_apart(
                'console_switches.switched_at', 'role_assumptions.assumed_at'
            ) }} <= {{ 1000 * var('switch_pairing_seconds') }}
    left join of_same_session
        on role_assumptions.assumption_key = of_same_session.other
    where
        console_switches.seen_in = 'source account'
        and role_assumptions.is_console_switch
        and of_same_session.other is null

),

candidates as (

    select * from of_same_session
    union all
    select * from of_same_caller

),

{{ mutually_nearest('candidates', rounds=3) }},

assumptions as (

    select
        one as switch_key,
        other as assumption_key
    from nearest_pairs

)

select * from assumptions
