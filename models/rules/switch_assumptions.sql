{%- set apart = milliseconds_apart(
    'console_switches.switched_at', 'assumptions.assumed_at'
) -%}
{%- set match_limit = 1000 * var('session_match_seconds') -%}
{%- set pairing_limit = 1000 * var('switch_pairing_seconds') -%}
with

console_switches as (

    select
        *,
        outcome = 'failure' as is_refused
    from {{ ref('console_switches') }}

),

-- The console assumes roles from addresses of AWS: no program of a user's does.
assumptions as (

    select
        *,
        outcome = 'failure' as is_refused,
        not is_by_console
        and {{ is_ip_address('source_ip_address') }} as is_of_program
    from {{ ref('assumptions') }}

),

-- The role half names the session: it was assumed in the same second or two.
-- One without the principal id names it by its ARN.
of_same_session as (

    select
        console_switches.switch_key,
        assumptions.assumption_key,
        case
            when console_switches.source_arn = assumptions.caller_arn
                then 0
            else 1
        end as doubt
    from console_switches
    inner join assumptions
        on
            console_switches.role_principal_id = assumptions.principal_id
            and {{ apart }} <= {{ match_limit }}
    where not assumptions.is_of_program
    union all
    select
        console_switches.switch_key,
        assumptions.assumption_key,
        1 as doubt
    from console_switches
    inner join assumptions
        on
            console_switches.role_account_id = assumptions.role_account_id
            and console_switches.role_name = assumptions.role_name
            and console_switches.role_session_name
            = assumptions.role_session_name
            and {{ apart }} <= {{ match_limit }}
    where
        console_switches.role_principal_id is null
        and not assumptions.is_of_program

),

-- A source half without twin names the caller and the role only, and comes
-- after the switches whose role half is there. One without the principal id
-- names the caller by their ARN.
of_same_caller as (

    select
        console_switches.switch_key,
        assumptions.assumption_key,
        2 as doubt
    from console_switches
    inner join assumptions
        on
            console_switches.source_principal_id
            = assumptions.caller_principal_id
            and console_switches.role_account_id
            = assumptions.role_account_id
            and console_switches.role_name = assumptions.role_name
            and {{ apart }} <= {{ pairing_limit }}
    where
        (
            console_switches.seen_in = 'source account'
            or console_switches.is_refused
        )
        and assumptions.is_by_console
    union all
    select
        console_switches.switch_key,
        assumptions.assumption_key,
        2 as doubt
    from console_switches
    inner join assumptions
        on
            console_switches.source_arn = assumptions.caller_arn
            and console_switches.role_account_id
            = assumptions.role_account_id
            and console_switches.role_name = assumptions.role_name
            and {{ apart }} <= {{ pairing_limit }}
    where
        (
            console_switches.seen_in = 'source account'
            or console_switches.is_refused
        )
        and assumptions.is_by_console
        and (
            console_switches.source_principal_id is null
            or assumptions.caller_principal_id is null
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
        assumptions.assumed_at as other_tie,
        assumptions.role_assumption_id as other_id
    from possible
    inner join console_switches
        on possible.switch_key = console_switches.switch_key
    inner join assumptions
        on possible.assumption_key = assumptions.assumption_key
    where
        console_switches.is_refused = assumptions.is_refused
        and (
            possible.doubt = 2
            or {{ same_entrant('console_switches', 'assumptions') }}
        )

),

{{ mutually_nearest('candidates', rounds=5) }},

pairs as (

    select
        one as switch_key,
        other as assumption_key
    from nearest_pairs

)

select * from pairs
