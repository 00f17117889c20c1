-- RULES 5, the best evidence first: an address that is hours old never hides a
-- nearer one.
with

sessions as (select * from {{ ref('sessions') }}),

portal_events as (select * from {{ ref('entry_portal_events') }}),

portal_sign_ins as (select * from {{ ref('entry_portal_sign_ins') }}),

console_sign_ins as (select * from {{ ref('entry_sign_ins') }}),

with_near_action as (
    select
        *,
        case
            when
                first_ip_action_at <= started_at
                + interval '{{ var("first_action_minutes") }}' minute
                then first_ip_address
        end as near_action_address
    from sessions
),

addresses_by_evidence as (
    select
        sessions.session_id,
        sessions.switch_address,
        portal_events.source_ip_address as portal_address,
        portal_events.address_evidence as portal_evidence,
        sessions.assumption_address,
        sessions.near_action_address,
        coalesce(
            portal_sign_ins.source_ip_address,
            console_sign_ins.source_ip_address
        ) as sign_in_address,
        sessions.first_ip_address
    from with_near_action as sessions
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
    from addresses_by_evidence
)

select * from addresses
