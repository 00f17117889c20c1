-- By the time of events, not of loads: nothing is known of the time after the
-- newest event.
with

account_activity as (

    select * from {{ ref('account_activity') }}
    where {{ is_of_account('recipient_account_id') }}

),

newest_events as (

    select
        recipient_account_id as account_id,
        max(last_event_at) as newest_event_at
    from account_activity
    group by recipient_account_id

)

select * from newest_events
order by newest_event_at desc, account_id asc
