{%- set match_seconds = var('session_match_seconds') -%}
with

starts as (

    select * from {{ ref('session_starts') }}

),

activity as (

    select * from {{ ref('session_activity') }}

),

-- Times that are near enough are in one span of time or in neighbouring ones.
activity_by_span as (

    select
        session_id as activity_key,
        principal_id,
        session_created_at,
        first_access_key_id,
        last_access_key_id,
        {{ time_span('session_created_at', match_seconds) }} as span
    from activity

),

starts_by_span as (

    select
        starts.entry_key,
        starts.principal_id,
        starts.started_at,
        starts.assumed_at,
        starts.issued_access_key_id,
        starts.switch_key,
        {{ time_span('starts.started_at', match_seconds) }}
        + neighbours.step as span
    from starts
    cross join (values (-2), (-1), (0), (1), (2)) as neighbours (step)
    where starts.principal_id is not null

),

possible as (

    select
        starts_by_span.entry_key,
        starts_by_span.started_at,
        activity_by_span.activity_key,
        activity_by_span.session_created_at,
        least(
            {{ milliseconds_apart(
                'starts_by_span.started_at',
                'activity_by_span.session_created_at'
            ) }},
            coalesce({{ milliseconds_apart(
                'starts_by_span.assumed_at',
                'activity_by_span.session_created_at'
            ) }}, 1000000000)
        ) as apart,
        -- The issued key confirms a program's session, not one of the console.
        case
            when starts_by_span.issued_access_key_id in (
                activity_by_span.first_access_key_id,
                activity_by_span.last_access_key_id
            ) then 0
            when starts_by_span.switch_key is not null then 1
            else 2
        end as doubt
    from starts_by_span
    inner join activity_by_span
        on
            starts_by_span.principal_id = activity_by_span.principal_id
            and starts_by_span.span = activity_by_span.span

),

candidates as (

    select
        entry_key as one,
        activity_key as other,
        case when doubt = 0 then 0 else 100000000 end + 10 * apart + doubt
            as distance,
        started_at as one_tie,
        entry_key as one_id,
        session_created_at as other_tie,
        activity_key as other_id
    from possible
    where apart <= {{ 1000 * match_seconds }}

),

{{ mutually_nearest('candidates', rounds=4) }},

matches as (

    select
        one as entry_key,
        other as activity_key
    from nearest_pairs

)

select * from matches
