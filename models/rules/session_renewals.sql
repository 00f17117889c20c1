with

renewals as (

    select * from {{ ref('session_console_events') }}
    where event_name = 'RenewRole'

),

-- The two accounts' records of one renewal.
candidates as (

    select
        role_renewals.console_event_key as one,
        source_renewals.console_event_key as other,
        {{ milliseconds_apart(
            'role_renewals.event_at', 'source_renewals.event_at'
        ) }} as distance,
        role_renewals.event_at as one_tie,
        role_renewals.event_id as one_id,
        source_renewals.event_at as other_tie,
        source_renewals.event_id as other_id
    from renewals as role_renewals
    inner join renewals as source_renewals
        on
            role_renewals.session_id = source_renewals.session_id
            and {{ milliseconds_apart(
                'role_renewals.event_at', 'source_renewals.event_at'
            ) }} <= {{ 1000 * var('switch_pairing_seconds') }}
    where role_renewals.side = 'role' and source_renewals.side = 'source'

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
