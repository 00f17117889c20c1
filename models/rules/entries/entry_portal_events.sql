with

entries as (
    select
        entry_key,
        entered_at,
        role_account_id as account_id,
        lower(portal_user_name) as user_name,
        on_behalf_of_user_id,
        regexp_extract(role_name, '^AWSReservedSSO_(.+)_[0-9a-f]{16}$', 1)
            as permission_set_name
    from {{ ref('entry_evidence') }}
    where is_portal_entry
),

known_users as (select * from {{ ref('portal_users') }}),

portal_users as (
    select distinct
        user_id,
        user_name
    from known_users
),

portal_events as (select * from {{ ref('portal_events') }}),

-- A namesake of another identity store is another user.
names_with_id as (
    select distinct
        user_name,
        coalesce(identity_store_arn, '') as identity_store_arn
    from known_users
),

entries_by_known_id as (
    select
        entries.entry_key as row_key,
        entries.entered_at as happened_at,
        entries.account_id,
        entries.permission_set_name,
        'id' as named_by,
        portal_users.user_id as named_user
    from entries
    inner join portal_users
        on entries.user_name = portal_users.user_name
),

-- Entries and events name their user by id or by name. An event may also have
-- an id that no record knows.
{{ rows_by_name(
    'entries_by_record', 'entries', key='entry_key', time='entered_at',
    carried=['account_id', 'permission_set_name'], columns=['named_user'],
    names=[
        ('id', ['on_behalf_of_user_id'], 'true'),
        ('name', ['user_name'], 'true'),
        ('nobody', ["''"], 'on_behalf_of_user_id is null'),
    ]
) }},

entries_by_user as (
    select * from entries_by_record
    union all
    select * from entries_by_known_id
),

{{ rows_by_name(
    'portal_events_by_user', 'portal_events',
    key='portal_event_key', time='event_at',
    carried=['account_id', 'permission_set_name'], columns=['named_user'],
    names=[
        ('id', ['user_id'], 'true'),
        ('name', ['user_name'], 'true'),
        ('nobody', ["''"], 'has_unknown_user'),
    ]
) }},

{{ near_in_time(
    'near', 'entries_by_user', 'portal_events_by_user',
    keys=['account_id', 'permission_set_name', 'named_by', 'named_user']
) }},

just_before as (
    select
        entries.entry_key,
        portal_events.event_id,
        portal_events.event_at,
        portal_events.user_id,
        portal_events.source_ip_address,
        portal_events.address_evidence,
        near.named_by <> 'nobody' as is_of_user,
        near.named_by = 'nobody'
        and names_without_store.user_name is null
        and names_of_store.user_name is null as is_of_nobody_known
    from near
    inner join entries
        on near.seeker = entries.entry_key
    inner join portal_events
        on near.sought = portal_events.portal_event_key
    left join names_with_id as names_without_store
        on
            entries.user_name = names_without_store.user_name
            and names_without_store.identity_store_arn = ''
    left join names_with_id as names_of_store
        on
            entries.user_name = names_of_store.user_name
            and portal_events.identity_store_arn
            = names_of_store.identity_store_arn
    where
        near.sought_at between near.seeker_at
        - interval '{{ var("switch_pairing_seconds") }}' second
        and near.seeker_at
),

-- Where no record tells the id of an entry's user, an unknown id is theirs if
-- it is the only one.
with_ids as (
    select
        *,
        min(case when is_of_nobody_known then user_id end)
            over (partition by entry_key)
        = max(case when is_of_nobody_known then user_id end)
            over (partition by entry_key) as is_one_id
    from just_before
),

ranked as (
    select
        *,
        row_number() over (
            partition by entry_key
            order by
                case when is_of_user then 0 else 1 end,
                event_at desc,
                event_id asc
        ) as choice
    from with_ids
    where is_of_user or (is_of_nobody_known and is_one_id)
),

nearest as (
    select
        entry_key,
        event_id,
        user_id,
        case
            when {{ is_ip_address('source_ip_address') }} then source_ip_address
        end as source_ip_address,
        address_evidence
    from ranked
    where choice = 1
)

select * from nearest
