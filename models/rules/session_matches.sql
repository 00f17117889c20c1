{%- set match_seconds = var('session_match_seconds') -%}
{%- set apart -%}
    least(
        {{ milliseconds_apart(
            'starts.started_at', 'activity.session_created_at'
        ) }},
        coalesce({{ milliseconds_apart(
            'starts.assumed_at', 'activity.session_created_at'
        ) }}, 1000000000)
    )
{%- endset -%}
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
        {{ arn_account('identity_arn') }} as role_account_id,
        {{ assumed_role_part('identity_arn', 'role') }} as role_name,
        {{ principal_session_name('principal_id') }} as role_session_name,
        {{ time_span('session_created_at', match_seconds) }} as span
    from {{ ref('session_activity') }}

),

issued_keys as (

    select * from {{ ref('session_keys') }}
    where is_issued

),

-- Times that are near enough are in one span of time or in neighbouring ones.
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
        {{ apart }} as apart
    from starts
    inner join activity_near as activity
        on
            starts.principal_id = activity.principal_id
            and starts.span = activity.start_span
            and starts.is_assumed_root = activity.is_assumed_root
    where
        not starts.is_assumed_root
        or starts.issued_access_key_id is null
        or starts.issued_access_key_id = activity.access_key_id

),

keyed_sessions as (

    select distinct session_id
    from {{ ref('session_keys') }}

),

-- An AWS service is not told whose session it began. Where the session's keys
-- are known the issued one tells: by its name alone another's would pass for
-- the service's.
of_same_name as (

    select
        starts.entry_key,
        activity.activity_key,
        {{ apart }} as apart
    from starts
    inner join activity_near as activity
        on
            starts.role_account_id = activity.role_account_id
            and starts.role_name = activity.role_name
            and starts.role_session_name = activity.role_session_name
            and starts.span = activity.start_span
    left join keyed_sessions
        on activity.activity_key = keyed_sessions.session_id
    where
        starts.principal_id is null
        and (
            starts.issued_access_key_id is null
            or keyed_sessions.session_id is null
        )

),

near as (

    select * from of_same_principal
    union all
    select * from of_same_name

),

of_same_key as (

    select
        starts.entry_key,
        activity.activity_key,
        {{ apart }} as apart
    from starts
    inner join issued_keys
        on starts.issued_access_key_id = issued_keys.access_key_id
    inner join activity
        on issued_keys.session_id = activity.activity_key
    where starts.principal_id is null

),

possible as (

    select * from near
    where apart <= {{ 1000 * match_seconds }}
    union distinct
    select * from of_same_key
    where apart <= {{ 3600000 * var('longest_activity_hours') }}

),

-- The issued key confirms a program's session, not one of the console.
with_doubt as (

    select
        possible.entry_key,
        starts.started_at,
        possible.activity_key,
        activity.session_created_at,
        possible.apart,
        case
            when issued_keys.access_key_id is not null then 0
            when starts.switch_key is not null then 1
            else 2
        end as doubt
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

candidates as (

    select
        entry_key as one,
        activity_key as other,
        case when doubt = 0 then 0 else 10000000000 end + 10 * apart + doubt
            as distance,
        started_at as one_tie,
        entry_key as one_id,
        session_created_at as other_tie,
        activity_key as other_id
    from with_doubt

),

{{ mutually_nearest('candidates', rounds=4) }},

matches as (

    select
        one as entry_key,
        other as activity_key
    from nearest_pairs

)

select * from matches
