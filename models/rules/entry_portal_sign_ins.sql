{%- set session_hours = "interval '" ~ var('identity_center_session_hours')
    ~ "' hour" -%}
with

entries as (

    select
        entry_key,
        entered_at,
        lower(portal_user_name) as user_name,
        case when is_portal_entry then on_behalf_of_user_id end as user_id
    from {{ ref('entry_evidence') }}
    where portal_user_name is not null

),

portal_events as (

    select * from {{ ref('entry_portal_events') }}

),

portal_users as (

    select * from {{ ref('portal_users') }}

),

sign_ins as (

    select
        sign_in_id,
        signed_in_at,
        lower(user_name) as user_name,
        on_behalf_of_user_id as user_id,
        identity_store_arn,
        mfa,
        source_ip_address
    from {{ ref('console_sign_ins') }}
    where sign_in_to = 'identity center' and outcome = 'success'

),

-- Accounts are entered from the identity store of the organization alone.
stores_of_portal as (

    select distinct identity_store_arn
    from {{ ref('corrected_identity_events') }}
    where
        event_source = 'sso.amazonaws.com'
        and event_name in ('Federate', 'GetRoleCredentials')
        and identity_store_arn is not null

),

store_counts as (

    select count(*) as store_count from stores_of_portal

),

sign_ins_to_portal as (

    select sign_ins.*
    from sign_ins
    cross join store_counts
    left join stores_of_portal
        on sign_ins.identity_store_arn = stores_of_portal.identity_store_arn
    where
        sign_ins.identity_store_arn is null
        or stores_of_portal.identity_store_arn is not null
        or store_counts.store_count = 0

),

-- What is done in the session, or was chosen just before it, tells the user.
told_users as (

    select
        entries.entry_key,
        coalesce(entries.user_id, portal_events.user_id) as user_id
    from entries
    left join portal_events
        on entries.entry_key = portal_events.entry_key
    where coalesce(entries.user_id, portal_events.user_id) is not null

),

-- Users of two identity stores may have one name: it tells where no id does.
entry_users as (

    select
        entries.entry_key,
        entries.entered_at,
        coalesce(told_users.user_id, portal_users.user_id) as user_id
    from entries
    left join told_users
        on entries.entry_key = told_users.entry_key
    left join portal_users
        on
            entries.user_name = portal_users.user_name
            and told_users.user_id is null
    where coalesce(told_users.user_id, portal_users.user_id) is not null

),

of_user as (

    select
        entries.entry_key,
        sign_ins.sign_in_id
    from entries
    inner join sign_ins_to_portal as sign_ins
        on
            entries.user_name = sign_ins.user_name
            and sign_ins.signed_in_at between
            entries.entered_at - {{ session_hours }} and entries.entered_at
    left join told_users
        on entries.entry_key = told_users.entry_key
    where
        sign_ins.user_id is null
        or coalesce(told_users.user_id, sign_ins.user_id) = sign_ins.user_id
    union distinct
    select
        entry_users.entry_key,
        sign_ins.sign_in_id
    from entry_users
    inner join sign_ins_to_portal as sign_ins
        on
            entry_users.user_id = sign_ins.user_id
            and sign_ins.signed_in_at between
            entry_users.entered_at - {{ session_hours }}
            and entry_users.entered_at

),

ranked as (

    select
        of_user.entry_key,
        sign_ins.*,
        row_number() over (
            partition by of_user.entry_key
            order by sign_ins.signed_in_at desc, sign_ins.sign_in_id asc
        ) as sign_ins_ago
    from of_user
    inner join sign_ins_to_portal as sign_ins
        on of_user.sign_in_id = sign_ins.sign_in_id

),

newest_sign_ins as (

    select
        entry_key,
        sign_in_id,
        signed_in_at,
        mfa,
        case
            when {{ is_ip_address('source_ip_address') }} then source_ip_address
        end as source_ip_address
    from ranked
    where sign_ins_ago = 1

)

select * from newest_sign_ins
