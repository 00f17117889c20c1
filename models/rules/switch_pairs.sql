with

halves as (

    -- A failed half has no twin.
    select * from {{ ref('switch_halves') }}
    where outcome <> 'failure'

),

source_halves as (

    select * from halves
    where half = 'source'

),

role_halves as (

    select * from halves
    where half = 'role'

),

candidates as (

    select
        source_halves.half_id as one,
        role_halves.half_id as other,
        {{ milliseconds_apart(
            'source_halves.switched_at', 'role_halves.switched_at'
        ) }} as distance,
        role_halves.switched_at as one_tie,
        source_halves.event_id as one_id,
        role_halves.switched_at as other_tie,
        role_halves.event_id as other_id
    from source_halves
    inner join role_halves
        on
            source_halves.source_arn = role_halves.source_arn
            and source_halves.role_account_id = role_halves.role_account_id
            and source_halves.role_name = role_halves.role_name
            and {{ milliseconds_apart(
                'source_halves.switched_at', 'role_halves.switched_at'
            ) }} <= {{ 1000 * var('switch_pairing_seconds') }}

),

{{ mutually_nearest('candidates', rounds=3) }},

pairs as (

    select
        one as source_half_id,
        other as role_half_id
    from nearest_pairs

)

select * from pairs
