{%- set apart = milliseconds_apart(
    'console_switches.switched_at', 'role_assumptions.assumed_at'
) -%}
{%- set match_limit = 1000 * var('session_match_seconds') -%}
{%- set pairing_limit = 1000 * var('switch_pairing_seconds') -%}
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
-- One without the principal id names it by its ARN.
of_same_session as (

    select
        console_switches.switch_key,
        role_assumptions.assumption_key,
        case
            when console_switches.source_arn = role_assumptions.caller_arn
                then 0
            else 1
        end as doubt
    from console_switches
    inner join role_assumptions
        on
            console_switches.role_principal_id = role_assumptions.principal_id
            and {{ apart }} <= {{ match_limit }}
    where not role_assumptions.is_of_program
    union all
    select
        console_switches.switch_key,
        role_assumptions.assumption_key,
        1 as doubt
    from console_switches
    inner join role_assumptions
        on
            console_switches.role_account_id = role_assumptions.role_account_id
            and console_switches.role_name = role_assumptions.role_name
            and console_switches.role_session_name
            = role_assumptions.role_session_name
            and {{ apart }} <= {{ match_limit }}
    where
        console_switches.role_principal_id is null
        and not role_assumptions.is_of_program

),

-- A source half without twin names the caller and the role only, and comes
-- after the switches whose role half is there. One without the principal id
-- names the caller by their ARN.
of_same_caller as (

    select
        console_switches.switch_key,
        role_assumptions.assumption_key,
        2 as doubt
    from console_switches
    inner join role_assumptions
        on
            console_switches.source_principal_id
            = role_assumptions.caller_principal_id
            and console_switches.role_account_id
            = role_assumptions.role_account_id
            and console_switches.role_name = role_assumptions.role_name
            and {{ apart }} <= {{ pairing_limit }}
    where
        console_switches.seen_in = 'source account'
        and role_assumptions.is_console_switch
    union all
    select
        console_switches.switch_key,
        role_assumptions.assumption_key,
        2 as doubt
    from console_switches
    inner join role_assumptions
        on
            console_switches.source_arn = role_assumptions.caller_arn
            and console_switches.role_account_id
            = role_assumptions.role_account_id
            and console_switches.role_name = role_assumptions.role_name
            and {{ apart }} <= {{ pairing_limit }}
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
    select * from of_same_caller

),

candidates as (

    select
        possible.switch_key as one,
        possible.assumption_key as other,
        possible.doubt * 10000000 + {{ apart }} as distance,
        console_switches.switched_at as one_tie,
        console_switches.role_switch_id as one_id,
        role_assumptions.assumed_at as other_tie,
        role_assumptions.role_assumption_id as other_id
    from possible
    inner join console_switches
        on possible.switch_key = console_switches.switch_key
    inner join role_assumptions
        on possible.assumption_key = role_assumptions.assumption_key
    where
        possible.doubt = 2
        or {{ same_entrant('console_switches', 'role_assumptions') }}

),

{{ mutually_nearest('candidates', rounds=5) }},

pairs as (

    select
        one as switch_key,
        other as assumption_key
    from nearest_pairs

)

select * from pairs
