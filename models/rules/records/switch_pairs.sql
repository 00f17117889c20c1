with

halves as (

    -- A failed half has no twin.
    select * from {{ ref('switch_halves') }}
    where outcome <> 'failure'

),

source_halves as (

    select
        *,
        half_id as row_key,
        switched_at as happened_at
    from halves
    where half = 'source'

),

role_halves as (

    select
        *,
        half_id as row_key,
        switched_at as happened_at
    from halves
    where half = 'role'

),

{{ near_in_time(
    'near', 'role_halves', 'source_halves',
    keys=['source_arn', 'role_account_id', 'role_name']
) }},

possible as (

    select
        near.sought as one,
        near.seeker as other,
        {{ milliseconds_apart('near.sought_at', 'near.seeker_at') }}
            as distance,
        role_halves.switched_at as one_tie,
        source_halves.event_id as one_id,
        role_halves.switched_at as other_tie,
        role_halves.event_id as other_id
    from near
    inner join source_halves
        on near.sought = source_halves.half_id
    inner join role_halves
        on near.seeker = role_halves.half_id

),

candidates as (

    select * from possible
    where distance <= {{ 1000 * var('switch_pairing_seconds') }}

),

{{ mutually_nearest('candidates', rounds=3) }},

pairs as (

    select
        one as source_half_id,
        other as role_half_id
    from nearest_pairs

)

select * from pairs
