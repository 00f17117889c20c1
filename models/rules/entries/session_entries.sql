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
        starts.entry_key,
        case
            when starts.activity_key is not null then starts.activity_key
            when starts.is_start and starts.is_assumed_root
                then {{ root_session_id(
                    'starts.principal_id',
                    'starts.started_at',
                    'starts.issued_access_key_id'
                ) }}
            when starts.is_start
                then
                    starts.principal_id || '@'
                    || {{ iso_text('starts.started_at') }}
        end as session_id,
        starts.switch_key,
        starts.assumption_key,
        coalesce(starts.principal_id, activity.principal_id) as principal_id,
        coalesce(activity.session_created_at, starts.started_at) as started_at
    from with_activity as starts
    left join activity
        on starts.activity_key = activity.activity_key
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
    left join with_activity as starts
        on activity.activity_key = starts.activity_key
    where starts.activity_key is null
),

entries as (
    select * from started
    union all
    select * from observed
)

select * from entries
