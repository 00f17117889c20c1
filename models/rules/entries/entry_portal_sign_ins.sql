{%- set session_hours = "interval '" ~ var('identity_center_session_hours')
    ~ "' hour" -%}
with

evidence as (
    select * from {{ ref('entry_evidence') }}
    where portal_user_name is not null
),

portal_events as (select * from {{ ref('entry_portal_events') }}),

portal_users as (select * from {{ ref('portal_users') }}),

sign_ins as (
    select
        sign_in_id,
        sign_in_id || '/' || account_id as sign_in_key,
        signed_in_at,
        lower(user_name) as user_name,
        on_behalf_of_user_id as user_id,
        identity_store_arn,
        mfa,
        source_ip_address
    from {{ ref('sign_ins') }}
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

-- The session's actions, or the choice just before it, tell the user's id.
entries as (
    select
        evidence.entry_key,
        evidence.entered_at,
        lower(evidence.portal_user_name) as user_name,
        coalesce(
            case
                when evidence.is_portal_entry then evidence.on_behalf_of_user_id
            end,
            portal_events.user_id
        ) as user_id
    from evidence
    left join portal_events
        on evidence.entry_key = portal_events.entry_key
),

-- Users of two identity stores may share a name: it counts where no id is
-- known.
entries_by_name as (
    select
        entries.entry_key as row_key,
        entries.entered_at as happened_at,
        'id' as named_by,
        portal_users.user_id as user_name
    from entries
    inner join portal_users
        on entries.user_name = portal_users.user_name
    where entries.user_id is null
),

-- A sign-in without an id is found by its name. An entry without an id also
-- finds sign-ins with an id by their name.
{{ rows_by_name(
    'entries_by_record', 'entries',
    key='entry_key', time='entered_at', columns=['user_name'],
    names=[
        ('id', ['user_id'], 'true'),
        ('name alone', ['user_name'], 'true'),
        ('name', ['user_name'], 'user_id is null'),
    ]
) }},

entries_by_user as (
    select * from entries_by_record
    union all
    select * from entries_by_name
),

{{ rows_by_name(
    'sign_ins_by_user', 'sign_ins_to_portal',
    key='sign_in_key', time='signed_in_at', columns=['user_name'],
    names=[
        ('id', ['user_id'], 'true'),
        ('name alone', ['user_name'], 'user_id is null'),
        ('name', ['user_name'], 'user_id is not null'),
    ]
) }},

{{ near_in_time(
    'near', 'entries_by_user', 'sign_ins_by_user',
    keys=['named_by', 'user_name']
) }},

ranked as (
    select
        entries.entry_key,
        sign_ins.*,
        row_number() over (
            partition by entries.entry_key
            order by sign_ins.signed_in_at desc, sign_ins.sign_in_id asc
        ) as sign_ins_ago
    from near
    inner join entries
        on near.seeker = entries.entry_key
    inner join sign_ins_to_portal as sign_ins
        on near.sought = sign_ins.sign_in_key
    where
        near.sought_at between near.seeker_at - {{ session_hours }}
        and near.seeker_at
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
