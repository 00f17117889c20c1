with

entries as (

    select * from {{ ref('session_entries') }}

),

console_switches as (

    select * from {{ ref('console_switches') }}

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}
    where is_console_switch

),

sign_ins as (

    select * from {{ ref('console_sign_ins') }}
    where sign_in_to = 'console' and outcome = 'success'

),

-- Of a switch whose records are lost the AssumeRole tells time and user.
entered_by_console as (

    select
        entries.entry_key,
        coalesce(console_switches.source_arn, role_assumptions.caller_arn)
            as source_arn,
        coalesce(console_switches.switched_at, role_assumptions.assumed_at)
            as entered_at
    from entries
    left join console_switches
        on entries.switch_key = console_switches.switch_key
    left join role_assumptions
        on entries.assumption_key = role_assumptions.assumption_key
    where
        console_switches.switch_key is not null
        or role_assumptions.assumption_key is not null

),

candidates as (

    select
        entered_by_console.entry_key,
        sign_ins.sign_in_id,
        sign_ins.signed_in_at,
        sign_ins.mfa,
        sign_ins.mfa_identifier,
        row_number() over (
            partition by entered_by_console.entry_key
            order by sign_ins.signed_in_at desc, sign_ins.sign_in_id asc
        ) as sign_ins_ago
    from entered_by_console
    inner join sign_ins
        on
            entered_by_console.source_arn = sign_ins.user_arn
            and sign_ins.signed_in_at between
            entered_by_console.entered_at - interval '12' hour
            and entered_by_console.entered_at

),

newest_sign_ins as (

    select
        entry_key,
        sign_in_id,
        signed_in_at,
        mfa,
        mfa_identifier
    from candidates
    where sign_ins_ago = 1

)

select * from newest_sign_ins
