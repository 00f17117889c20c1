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
        near.sought as source_half_id,
        near.seeker as role_half_id,
        {{ milliseconds_apart('near.sought_at', 'near.seeker_at') }} as apart,
        role_halves.switched_at as role_switched_at,
        role_halves.event_id as role_event_id,
        source_halves.event_id as source_event_id
    from near
    inner join source_halves
        on near.sought = source_halves.half_id
    inner join role_halves
        on near.seeker = role_halves.half_id
),

candidates as (
    select * from possible
    where apart <= {{ 1000 * var('switch_pairing_seconds') }}
),

-- Three rounds, by RULES 1.
{{ mutually_nearest(
    'candidates',
    left='source_half_id',
    right='role_half_id',
    nearest_by=['apart'],
    left_ties=['source_event_id'],
    right_ties=['role_switched_at', 'role_event_id'],
    rounds=3
) }}

select * from nearest_pairs
