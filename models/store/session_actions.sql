with

events as (
    select * from {{ ref('events') }}
    where {{ unprocessed_loads() }}
),

actions_of_sessions as (
    select * from events
    where {{ is_session_action() }}
),

counted as (
    {{ counted_session_actions('actions_of_sessions') }}
)

select * from counted
