with

starts as (select * from {{ ref('session_starts') }}),

activity as (
    select
        session_id as activity_key,
        principal_id,
        session_created_at
    from {{ ref('session_activity') }}
),

matches as (select * from {{ ref('session_matches') }}),

issued_keys as (
    select * from {{ ref('session_keys') }}
    where is_issued
),

starts_by_key as (
    select
        entry_key as row_key,
        started_at as happened_at,
        issued_access_key_id as access_key_id
    from starts
    where is_start
),

activity_by_key as (
    select
        activity.activity_key as row_key,
        activity.session_created_at as happened_at,
        issued_keys.access_key_id
    from activity
    inner join issued_keys
        on activity.activity_key = issued_keys.session_id
),

{{ near_in_time(
    'near', 'starts_by_key', 'activity_by_key', keys=['access_key_id']
) }},

-- Two starts can begin one session. Only one of them is matched, but both
-- belong to the session if their keys act in it.
acting_starts as (
    select
        seeker as entry_key,
        min(sought) as activity_key
    from near
    where
        {{ milliseconds_apart('seeker_at', 'sought_at') }}
        <= {{ 3600000 * var('longest_activity_hours') }}
    group by seeker
),

with_activity as (
    select
        starts.*,
        coalesce(acting_starts.activity_key, matches.activity_key)
            as activity_key
    from starts
    left join acting_starts
        on starts.entry_key = acting_starts.entry_key
    left join matches
        on starts.entry_key = matches.entry_key
),

-- The creation time that activity states is that of the session.
started as (
    select
        with_activity.entry_key,
        case
            when with_activity.activity_key is not null
                then with_activity.activity_key
            when with_activity.is_start and with_activity.is_assumed_root
                then {{ root_session_id(
                    'with_activity.principal_id',
                    'with_activity.started_at',
                    'with_activity.issued_access_key_id'
                ) }}
            when with_activity.is_start
                then
                    with_activity.principal_id || '@'
                    || {{ iso_text('with_activity.started_at') }}
        end as session_id,
        with_activity.switch_key,
        with_activity.assumption_key,
        coalesce(with_activity.principal_id, activity.principal_id)
            as principal_id,
        coalesce(activity.session_created_at, with_activity.started_at)
            as started_at
    from with_activity
    left join activity
        on with_activity.activity_key = activity.activity_key
),

observed as (
    select
        activity.activity_key as entry_key,
        activity.activity_key as session_id,
        cast(null as varchar) as switch_key,
        cast(null as varchar) as assumption_key,
        activity.principal_id,
        activity.session_created_at as started_at
    from activity
    left join with_activity
        on activity.activity_key = with_activity.activity_key
    where with_activity.activity_key is null
),

entries as (
    select * from started
    union all
    select * from observed
)

select * from entries
