with

console_logins as (select * from {{ ref('console_logins') }}),

identity_center_sign_ins as (
    select * from {{ ref('identity_center_sign_ins') }}
),

sign_ins as (
    select * from console_logins
    union all
    select * from identity_center_sign_ins
)

select * from sign_ins
