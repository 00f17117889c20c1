-- RULES 5: the choices of an account and a permission set at Identity Center,
-- by Federate in the portal, by GetRoleCredentials at a terminal or in an SDK.
with

identity_events as (
    select * from {{ ref('corrected_identity_events') }}
    where
        event_source = 'sso.amazonaws.com'
        and event_name in ('Federate', 'GetRoleCredentials')
        and error_code is null
        and error_message is null
),

known_users as (
    select distinct user_id
    from {{ ref('portal_users') }}
),

portal_events as (
    select
        identity_events.event_id || '/' || identity_events.recipient_account_id
            as portal_event_key,
        identity_events.event_id,
        {{ mart_timestamp('identity_events.event_at') }} as event_at,
        identity_events.federated_to_account_id as account_id,
        identity_events.permission_set_name,
        identity_events.on_behalf_of_user_id as user_id,
        lower(identity_events.user_name) as user_name,
        identity_events.user_name is null
        and known_users.user_id is null as has_unknown_user,
        identity_events.identity_store_arn,
        identity_events.source_ip_address,
        case
            when identity_events.event_name = 'Federate' then 'portal'
            else 'role credentials'
        end as address_evidence
    from identity_events
    left join known_users
        on identity_events.on_behalf_of_user_id = known_users.user_id
)

select * from portal_events
