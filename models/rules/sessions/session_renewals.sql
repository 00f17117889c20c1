with

renewals as (
    select * from {{ ref('session_console_events') }}
    where event_name = 'RenewRole'
),

role_renewals as (
    select
        *,
        console_event_key as row_key,
        event_at as happened_at
    from renewals
    where side = 'role'
),

source_renewals as (
    select
        *,
        console_event_key as row_key,
        event_at as happened_at
    from renewals
    where side = 'source'
),

{{ near_in_time(
    'near', 'source_renewals', 'role_renewals', keys=['session_id']
) }},

possible as (
    select
        near.sought as role_key,
        near.seeker as source_key,
        {{ milliseconds_apart('near.sought_at', 'near.seeker_at') }} as apart,
        near.sought_at as role_event_at,
        role_renewals.event_id as role_event_id,
        near.seeker_at as source_event_at,
        source_renewals.event_id as source_event_id
    from near
    inner join role_renewals
        on near.sought = role_renewals.console_event_key
    inner join source_renewals
        on near.seeker = source_renewals.console_event_key
),

-- The two accounts' records of one renewal.
candidates as (
    select * from possible
    where apart <= {{ 1000 * var('switch_pairing_seconds') }}
),

-- Three rounds, as in switch_pairs.
{{ mutually_nearest(
    'candidates',
    left='role_key',
    right='source_key',
    nearest_by=['apart'],
    left_ties=['role_event_at', 'role_event_id'],
    right_ties=['source_event_at', 'source_event_id'],
    rounds=3
) }},

counted as (
    select
        renewals.session_id,
        count(*) - count(nearest_pairs.source_key) as renewal_count
    from renewals
    left join nearest_pairs
        on renewals.console_event_key = nearest_pairs.source_key
    group by renewals.session_id
)

select * from counted
