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
        near.sought as one,
        near.seeker as other,
        {{ milliseconds_apart('near.sought_at', 'near.seeker_at') }}
            as distance,
        role_renewals.event_at as one_tie,
        role_renewals.event_id as one_id,
        source_renewals.event_at as other_tie,
        source_renewals.event_id as other_id
    from near
    inner join role_renewals
        on near.sought = role_renewals.console_event_key
    inner join source_renewals
        on near.seeker = source_renewals.console_event_key

),

-- The two accounts' records of one renewal.
candidates as (

    select * from possible
    where distance <= {{ 1000 * var('switch_pairing_seconds') }}

),

{{ mutually_nearest('candidates', rounds=3) }},

counted as (

    select
        renewals.session_id,
        count(*) - count(nearest_pairs.one) as renewal_count
    from renewals
    left join nearest_pairs
        on renewals.console_event_key = nearest_pairs.other
    group by renewals.session_id

)

select * from counted
