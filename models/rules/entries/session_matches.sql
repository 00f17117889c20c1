{%- set match_seconds = var('session_match_seconds') -%}
with

starts as (
    select
        *,
        {{ time_span('started_at', match_seconds) }} as span
    from {{ ref('session_starts') }}
    where is_start or principal_id is not null
),

activity as (
    select
        session_id as activity_key,
        principal_id,
        access_key_id,
        is_assumed_root,
        session_created_at,
        {{ time_span('session_created_at', match_seconds) }} as span
    from {{ ref('session_activity') }}
),

by_name as (select * from {{ ref('session_candidates_by_name') }}),

issued_keys as (
    select * from {{ ref('session_keys') }}
    where is_issued
),

-- Times that are near enough are in one span of time or in neighbouring spans.
-- The assumption counts too, which may be in the span beside its switch's.
activity_near as (
    select
        activity.*,
        activity.span + neighbours.step as start_span
    from activity
    cross join (values (-2), (-1), (0), (1), (2)) as neighbours (step)
),

of_same_principal as (
    select
        starts.entry_key,
        activity.activity_key,
        least(
            {{ milliseconds_apart(
                'starts.started_at', 'activity.session_created_at'
            ) }},
            {{ milliseconds_apart(
                'coalesce(starts.assumed_at, starts.started_at)',
                'activity.session_created_at'
            ) }}
        ) as apart
    from starts
    inner join activity_near as activity
        on
            starts.principal_id = activity.principal_id
            and starts.span = activity.start_span
            and starts.is_assumed_root = activity.is_assumed_root
            -- Each key of a root user is a session, even in one second.
            and case
                when starts.is_assumed_root then starts.issued_access_key_id
                else ''
            end = case
                when activity.is_assumed_root then activity.access_key_id
                else ''
            end
),

possible as (
    select * from of_same_principal
    where apart <= {{ 1000 * match_seconds }}
    union distinct
    select * from by_name
),

-- The issued key confirms a program's session, not one of the console.
with_doubt as (
    select
        possible.entry_key,
        starts.started_at,
        possible.activity_key,
        activity.session_created_at,
        possible.apart,
        issued_keys.access_key_id is null as is_unconfirmed,
        issued_keys.access_key_id is null
        and starts.switch_key is null as is_doubtful
    from possible
    inner join starts
        on possible.entry_key = starts.entry_key
    inner join activity
        on possible.activity_key = activity.activity_key
    left join issued_keys
        on
            starts.issued_access_key_id = issued_keys.access_key_id
            and possible.activity_key = issued_keys.session_id
),

-- One round for sessions confirmed by the issued key, and one each for those
-- that are zero, one and two seconds apart.
{{ mutually_nearest(
    'with_doubt',
    left='entry_key',
    right='activity_key',
    nearest_by=['is_unconfirmed', 'apart', 'is_doubtful'],
    left_ties=['started_at'],
    right_ties=['session_created_at'],
    rounds=4
) }}

select * from nearest_pairs
