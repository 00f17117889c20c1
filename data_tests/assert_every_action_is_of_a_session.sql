-- Each action of a role session is counted in one session.
with

sessions as (

    select * from {{ ref('sessions') }}

),

session_actions as (

    select * from {{ ref('corrected_session_actions') }}

),

counted as (

    select coalesce(sum(action_count), 0) as action_count from sessions

),

done as (

    select coalesce(sum(action_count), 0) as action_count from session_actions

),

differences as (

    select
        counted.action_count as counted_action_count,
        done.action_count as done_action_count
    from counted
    cross join done
    where counted.action_count <> done.action_count

)

select * from differences
