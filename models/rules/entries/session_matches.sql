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
            -- Root users of one account and second are as many as their keys.
            and case
                when starts.is_assumed_root then starts.issued_access_key_id
                else ''
            end = case
                when activity.is_assumed_root then activity.access_key_id
                else ''
            end

),

keyed_sessions as (

    select distinct session_id
    from {{ ref('session_keys') }}

),

-- By what else a start and a session can be known for one: the session's name,
-- the issued key, or of a root user whose key is not known the account.
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
    inner join issued_keys
        on activity.activity_key = issued_keys.session_id
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

-- An AWS service is not told whose session it began. Where the session's keys
-- are known the issued one tells: by its name alone another's would pass for
-- the service's.
of_same_name as (

    select
        by_name.seeker as entry_key,
        by_name.sought as activity_key,
        least(
            {{ milliseconds_apart('by_name.seeker_at', 'by_name.sought_at') }},
            coalesce({{ milliseconds_apart(
                'starts.assumed_at', 'by_name.sought_at'
            ) }}, 1000000000)
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

possible as (

    select * from of_same_principal
    where apart <= {{ 1000 * match_seconds }}
    union distinct
    select
        entry_key,
        activity_key,
        apart
    from of_same_name
    where apart <= may_be_apart

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

-- A round for the issued key, and one each for what lies zero, one and two
-- seconds apart.
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
