-- RULES 2: starts and activity that may be one session without a principal id.
{%- set match_seconds = var('session_match_seconds') %}
with

starts as (
    select * from {{ ref('session_starts') }}
    where is_start or principal_id is not null
),

activity as (
    select
        session_id as activity_key,
        principal_id,
        is_assumed_root,
        session_created_at,
        {{ arn_account('identity_arn') }} as role_account_id,
        {{ assumed_role_part('identity_arn', 'role') }} as role_name,
        {{ principal_session_name('principal_id') }} as role_session_name
    from {{ ref('session_activity') }}
),

session_keys as (select * from {{ ref('session_keys') }}),

keyed_sessions as (
    select distinct session_id
    from session_keys
),

-- A start is found by its session name, by its issued key, or, for a root user
-- whose key is not known, by the account.
starts_by_name as (
    select
        entry_key as row_key,
        started_at as happened_at,
        'session' as named_by,
        role_account_id as first_name,
        role_name as second_name,
        role_session_name as third_name
    from starts
    where principal_id is null
    union all
    select
        entry_key as row_key,
        started_at as happened_at,
        'key' as named_by,
        issued_access_key_id as first_name,
        '' as second_name,
        '' as third_name
    from starts
    where principal_id is null
    union all
    select
        entry_key as row_key,
        started_at as happened_at,
        'root' as named_by,
        principal_id as first_name,
        '' as second_name,
        '' as third_name
    from starts
    where is_assumed_root and issued_access_key_id is null
),

activity_by_name as (
    select
        activity_key as row_key,
        session_created_at as happened_at,
        'session' as named_by,
        role_account_id as first_name,
        role_name as second_name,
        role_session_name as third_name
    from activity
    union all
    select
        activity.activity_key as row_key,
        activity.session_created_at as happened_at,
        'key' as named_by,
        issued_keys.access_key_id as first_name,
        '' as second_name,
        '' as third_name
    from activity
    inner join session_keys as issued_keys
        on activity.activity_key = issued_keys.session_id
    where issued_keys.is_issued
    union all
    select
        activity_key as row_key,
        session_created_at as happened_at,
        'root' as named_by,
        principal_id as first_name,
        '' as second_name,
        '' as third_name
    from activity
    where is_assumed_root
),

{{ near_in_time(
    'by_name', 'starts_by_name', 'activity_by_name',
    keys=['named_by', 'first_name', 'second_name', 'third_name']
) }},

-- The record of a service's AssumeRole may lack the session. If the keys of the
-- activity are known, the issued key decides: by name alone, somebody else's
-- session would pass for the service's.
of_same_name as (
    select
        by_name.seeker as entry_key,
        by_name.sought as activity_key,
        least(
            {{ milliseconds_apart('by_name.seeker_at', 'by_name.sought_at') }},
            {{ milliseconds_apart(
                'coalesce(starts.assumed_at, by_name.seeker_at)',
                'by_name.sought_at'
            ) }}
        ) as apart,
        case
            when by_name.named_by = 'key'
                then {{ 3600000 * var('longest_activity_hours') }}
            else {{ 1000 * match_seconds }}
        end as may_be_apart
    from by_name
    inner join starts
        on by_name.seeker = starts.entry_key
    left join keyed_sessions
        on by_name.sought = keyed_sessions.session_id
    where
        by_name.named_by <> 'session'
        or starts.issued_access_key_id is null
        or keyed_sessions.session_id is null
),

candidates as (
    select distinct
        entry_key,
        activity_key,
        apart
    from of_same_name
    where apart <= may_be_apart
)

select * from candidates
