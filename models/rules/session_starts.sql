with

console_switches as (

    select * from {{ ref('console_switches') }}

),

switch_assumptions as (

    select * from {{ ref('switch_assumptions') }}

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}
    where outcome = 'success'

),

switches as (

    select
        console_switches.switch_key as entry_key,
        console_switches.switch_key,
        role_assumptions.assumption_key,
        role_assumptions.issued_access_key_id,
        role_assumptions.assumed_at,
        case
            when console_switches.outcome <> 'failure'
                then coalesce(
                    console_switches.role_principal_id,
                    role_assumptions.principal_id
                )
        end as principal_id,
        case
            when console_switches.role_principal_id is null
                then role_assumptions.assumed_at
            else console_switches.switched_at
        end as started_at,
        -- An unknown outcome alone started nothing.
        console_switches.outcome = 'success'
        or role_assumptions.assumption_key is not null as is_start
    from console_switches
    left join switch_assumptions
        on console_switches.switch_key = switch_assumptions.switch_key
    left join role_assumptions
        on switch_assumptions.assumption_key = role_assumptions.assumption_key

),

other_assumptions as (

    select
        role_assumptions.assumption_key as entry_key,
        cast(null as varchar) as switch_key,
        role_assumptions.assumption_key,
        role_assumptions.issued_access_key_id,
        role_assumptions.assumed_at,
        role_assumptions.principal_id,
        role_assumptions.assumed_at as started_at,
        true as is_start
    from role_assumptions
    left join switch_assumptions
        on role_assumptions.assumption_key = switch_assumptions.assumption_key
    where switch_assumptions.assumption_key is null

),

starts as (

    select * from switches
    union all
    select * from other_assumptions

)

select * from starts
