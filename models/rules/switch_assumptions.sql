with

console_switches as (

    -- A refused switch assumed no role.
    select * from {{ ref('console_switches') }}
    where outcome <> 'failure'

),

-- The console assumes roles from addresses of AWS: no program of a user's does.
role_assumptions as (

    select
        *,
        not coalesce(is_console_switch, false)
        and {{ is_ip_address('source_ip_address') }} as is_of_program
    from {{ ref('role_assumptions') }}
    where outcome = 'success'

),

-- The role half names the session: it was assumed in the same second or two.
of_same_session as (

    select
        console_switches.switch_key,
        console_switches.switched_at,
        console_switches.role_switch_id,
        role_assumptions.assumption_key,
        role_assumptions.assumed_at,
        role_assumptions.role_assumption_id,
        case
            when console_switches.source_arn = role_assumptions.caller_arn
                then 0
            else 1
        end as doubt,
        {{ same_entrant('console_switches', 'role_assumptions') }}
            as is_same_entrant
    from console_switches
    inner join role_assumptions
        on
            console_switches.role_principal_id = role_assumptions.principal_id
            and {{ milliseconds_apart(
                'console_switches.switched_at', 'role_assumptions.assumed_at'
            ) }} <= {{ 1000 * var('session_match_seconds') }}
    where not role_assumptions.is_of_program

),

-- A role half without the principal id names the session by its ARN.
of_session_of_same_name as (

    select
        console_switches.switch_key,
        console_switches.switched_at,
        console_switches.role_switch_id,
        role_assumptions.assumption_key,
        role_assumptions.assumed_at,
        role_assumptions.role_assumption_id,
        1 as doubt,
        {{ same_entrant('console_switches', 'role_assumptions') }}
            as is_same_entrant
    from console_switches
    inner join role_assumptions
        on
            console_switches.role_account_id = role_assumptions.role_account_id
            and console_switches.role_name = role_assumptions.role_name
            and console_switches.role_session_name
            = role_assumptions.role_session_name
            and {{ milliseconds_apart(
                'console_switches.switched_at', 'role_assumptions.assumed_at'
            ) }} <= {{ 1000 * var('session_match_seconds') }}
    where
        console_switches.role_principal_id is null
        and not role_assumptions.is_of_program

),

-- A source half without twin names the caller and the role only, and comes
-- after the switches whose role half is there.
of_same_caller as (

    select
        console_switches.switch_key,
        console_switches.switched_at,
        console_switches.role_switch_id,
        role_assumptions.assumption_key,
        role_assumptions.assumed_at,
        role_assumptions.role_assumption_id,
        2 as doubt,
        true as is_same_entrant
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
    where
        console_switches.seen_in = 'source account'
        and role_assumptions.is_console_switch

),

-- One without the principal id names the caller by their ARN.
of_caller_of_same_name as (

    select
        console_switches.switch_key,
        console_switches.switched_at,
        console_switches.role_switch_id,
        role_assumptions.assumption_key,
        role_assumptions.assumed_at,
        role_assumptions.role_assumption_id,
        2 as doubt,
        true as is_same_entrant
    from console_switches
    inner join role_assumptions
        on
            console_switches.source_arn = role_assumptions.caller_arn
            and console_switches.role_account_id
            = role_assumptions.role_account_id
            and console_switches.role_name = role_assumptions.role_name
            and {{ milliseconds_apart(
                'console_switches.switched_at', 'role_assumptions.assumed_at'
            ) }} <= {{ 1000 * var('switch_pairing_seconds') }}
    where
        console_switches.seen_in = 'source account'
        and role_assumptions.is_console_switch
        and (
            console_switches.source_principal_id is null
            or role_assumptions.caller_principal_id is null
        )

),

possible as (

    select * from of_same_session
    union all
    select * from of_session_of_same_name
    union all
    select * from of_same_caller
    union all
    select * from of_caller_of_same_name

),

candidates as (

    select
        switch_key as one,
        assumption_key as other,
        doubt * 10000000 + {{ milliseconds_apart(
            'switched_at', 'assumed_at'
        ) }} as distance,
        switched_at as one_tie,
        role_switch_id as one_id,
        assumed_at as other_tie,
        role_assumption_id as other_id
    from possible
    where is_same_entrant

),

{{ mutually_nearest('candidates', rounds=5) }},

pairs as (

    select
        one as switch_key,
        other as assumption_key
    from nearest_pairs

)

select * from pairs
