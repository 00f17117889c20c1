with

console_switches as (select * from {{ ref('console_switches') }}),

switch_assumptions as (select * from {{ ref('switch_assumptions') }}),

assumptions as (select * from {{ ref('assumptions') }}),

switches as (
    select
        console_switches.switch_key as entry_key,
        console_switches.switch_key,
        assumptions.assumption_key,
        assumptions.issued_access_key_id,
        assumptions.assumed_at,
        case
            when console_switches.outcome <> 'failure'
                then coalesce(
                    console_switches.role_principal_id, assumptions.principal_id
                )
        end as principal_id,
        case
            when console_switches.role_principal_id is null
                then assumptions.assumed_at
            else console_switches.switched_at
        end as started_at,
        console_switches.role_account_id,
        console_switches.role_name,
        console_switches.role_session_name,
        false as is_assumed_root,
        -- A switch of unknown outcome starts a session only with an AssumeRole.
        console_switches.outcome = 'success'
        or (
            console_switches.outcome <> 'failure'
            and assumptions.assumption_key is not null
        ) as is_start
    from console_switches
    left join switch_assumptions
        on console_switches.switch_key = switch_assumptions.switch_key
    left join assumptions
        on switch_assumptions.assumption_key = assumptions.assumption_key
),

other_assumptions as (
    select
        assumptions.assumption_key as entry_key,
        cast(null as varchar) as switch_key,
        assumptions.assumption_key,
        assumptions.issued_access_key_id,
        assumptions.assumed_at,
        case
            when assumptions.outcome = 'success' then assumptions.principal_id
        end as principal_id,
        assumptions.assumed_at as started_at,
        assumptions.role_account_id,
        assumptions.role_name,
        assumptions.role_session_name,
        assumptions.start_method = 'assume root' as is_assumed_root,
        assumptions.outcome = 'success' as is_start
    from assumptions
    left join switch_assumptions
        on assumptions.assumption_key = switch_assumptions.assumption_key
    where switch_assumptions.assumption_key is null
),

starts as (
    select * from switches
    union all
    select * from other_assumptions
)

select * from starts
