-- The console makes keys of its own, a program acts with the key that it got.
with

session_actions as (
    select * from {{ ref('corrected_session_actions') }}
    where access_key_ids is not null
),

activity as (
    select
        session_id,
        principal_id,
        session_created_at,
        access_key_id
    from {{ ref('session_activity') }}
),

issued as (
    select distinct issued_access_key_id as access_key_id
    from {{ ref('assumptions') }}
    where issued_access_key_id is not null
),

acting as (
    select distinct
        session_actions.principal_id,
        date_trunc('second', session_actions.session_created_at)
            as session_created_at,
        nullif(session_actions.access_key_id, '') as root_access_key_id,
        listed.access_key_id
    from session_actions
    cross join unnest(split(session_actions.access_key_ids, ','))
        as listed (access_key_id)
),

acting_keys as (
    select
        activity.session_id,
        acting.access_key_id,
        issued.access_key_id is not null as is_issued
    from acting
    inner join activity
        on
            acting.principal_id = activity.principal_id
            and acting.session_created_at = activity.session_created_at
            and coalesce(acting.root_access_key_id, '')
            = coalesce(activity.access_key_id, '')
    left join issued
        on acting.access_key_id = issued.access_key_id
)

select * from acting_keys
