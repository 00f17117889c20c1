-- RULES 5, the best evidence first: one hours old never hides a nearer one.
with

sessions as (
    select
        *,
        first_ip_action_at <= started_at + interval '15' minute
            as is_first_action_near
    from {{ ref('sessions') }}
),

portal_events as (select * from {{ ref('entry_portal_events') }}),

portal_sign_ins as (select * from {{ ref('entry_portal_sign_ins') }}),

console_sign_ins as (select * from {{ ref('entry_sign_ins') }}),

known as (
    select
        sessions.session_id,
        sessions.switch_address,
        portal_events.source_ip_address as portal_address,
        portal_events.address_evidence as portal_evidence,
        sessions.assumption_address,
        case
            when sessions.is_first_action_near then sessions.first_ip_address
        end as near_action_address,
        coalesce(
            portal_sign_ins.source_ip_address,
            console_sign_ins.source_ip_address
        ) as sign_in_address,
        sessions.first_ip_address
    from sessions
    left join portal_events
        on sessions.entry_key = portal_events.entry_key
    left join portal_sign_ins
        on sessions.entry_key = portal_sign_ins.entry_key
    left join console_sign_ins
        on sessions.entry_key = console_sign_ins.entry_key
),

addresses as (
    select
        session_id,
        coalesce(
            switch_address,
            portal_address,
            assumption_address,
            near_action_address,
            sign_in_address,
            first_ip_address
        ) as source_ip_address,
        case
            when switch_address is not null then 'switch record'
            when portal_address is not null then portal_evidence
            when assumption_address is not null then 'assume role'
            when near_action_address is not null then 'first action'
            when sign_in_address is not null then 'sign-in'
            when first_ip_address is not null then 'first action'
        end as address_evidence
    from known
)

select * from addresses
