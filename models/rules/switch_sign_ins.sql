with

console_switches as (

    select * from {{ ref('console_switches') }}

),

sign_ins as (

    select * from {{ ref('console_sign_ins') }}
    where sign_in_to = 'console' and outcome = 'success'

),

candidates as (

    select
        console_switches.switch_key,
        sign_ins.sign_in_id,
        sign_ins.signed_in_at,
        sign_ins.mfa,
        sign_ins.mfa_identifier,
        row_number() over (
            partition by console_switches.switch_key
            order by sign_ins.signed_in_at desc, sign_ins.sign_in_id asc
        ) as sign_ins_ago
    from console_switches
    inner join sign_ins
        on
            console_switches.source_arn = sign_ins.user_arn
            and sign_ins.signed_in_at between
            console_switches.switched_at - interval '12' hour
            and console_switches.switched_at

),

newest_sign_ins as (

    select
        switch_key,
        sign_in_id,
        signed_in_at,
        mfa,
        mfa_identifier
    from candidates
    where sign_ins_ago = 1

)

select * from newest_sign_ins
