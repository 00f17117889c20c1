with

starts as (

    select * from {{ ref('session_starts') }}

),

activity as (

    select
        session_id as activity_key,
        principal_id,
        session_created_at
    from {{ ref('session_activity') }}

),

matches as (

    select * from {{ ref('session_matches') }}

),

-- The time that activity states is the session's own.
started as (

    select
        starts.entry_key,
        case
            when matches.activity_key is not null then matches.activity_key
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
    from starts
    left join matches
        on starts.entry_key = matches.entry_key
    left join activity
        on matches.activity_key = activity.activity_key

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
    left join matches
        on activity.activity_key = matches.activity_key
    where matches.activity_key is null

),

entries as (

    select * from started
    union all
    select * from observed

)

select * from entries
