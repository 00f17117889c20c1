with

sessions as (

    select
        session_id,
        started_at,
        role_account_id,
        role_session_name,
        on_behalf_of_user_id,
        regexp_extract(role_name, '^AWSReservedSSO_(.+)_[0-9a-f]{16}$', 1)
            as permission_set_name
    from {{ ref('sessions') }}
    where {{ is_identity_center_role('role_name') }}

),

federations as (

    select * from {{ ref('identity_events') }}
    where
        event_source = 'sso.amazonaws.com'
        and event_name = 'Federate'
        and error_code is null
        and error_message is null

),

sign_ins as (

    select * from {{ ref('console_sign_ins') }}
    where sign_in_to = 'identity center' and outcome = 'success'

),

portal_users as (

    select distinct
        on_behalf_of_user_id,
        user_name
    from {{ ref('console_sign_ins') }}
    where
        sign_in_to = 'identity center'
        and on_behalf_of_user_id is not null
        and user_name is not null

),

-- The choice of that account and permission set just before.
of_federation as (

    select
        sessions.session_id,
        federations.source_ip_address,
        {{ mart_timestamp('federations.event_at') }} as signed_in_at,
        federations.event_id as sign_in_id,
        1 as evidence_rank
    from sessions
    inner join federations
        on
            sessions.role_account_id = federations.federated_to_account_id
            and sessions.permission_set_name = federations.permission_set_name
            and federations.event_at between
            sessions.started_at
            - interval '{{ var("switch_pairing_seconds") }}' second
            and sessions.started_at
    left join portal_users
        on
            federations.on_behalf_of_user_id = portal_users.on_behalf_of_user_id
            and sessions.role_session_name = portal_users.user_name
    where
        sessions.on_behalf_of_user_id = federations.on_behalf_of_user_id
        or sessions.role_session_name = federations.user_name
        or portal_users.user_name is not null

),

of_sign_in as (

    select
        sessions.session_id,
        sign_ins.source_ip_address,
        sign_ins.signed_in_at,
        sign_ins.sign_in_id,
        2 as evidence_rank
    from sessions
    inner join sign_ins
        on
            sessions.role_session_name = sign_ins.user_name
            and sign_ins.signed_in_at between
            sessions.started_at - interval '12' hour
            and sessions.started_at

),

sign_ins_before as (

    select * from of_federation
    union all
    select * from of_sign_in

),

ranked as (

    select
        *,
        row_number() over (
            partition by session_id
            order by evidence_rank asc, signed_in_at desc, sign_in_id asc
        ) as choice
    from sign_ins_before
    where source_ip_address is not null

),

addresses as (

    select
        session_id,
        source_ip_address
    from ranked
    where choice = 1

)

select * from addresses
