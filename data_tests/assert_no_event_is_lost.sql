{{ config(tags=['load']) }}
-- Every record of this load that has a valid time is an event of the store.
with

staged_records as (

    select * from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected and {{ is_in_this_load('log_file') }}

),

events as (

    select * from {{ ref('events') }}

),

lost as (

    select
        staged_records.event_id,
        staged_records.recipient_account_id,
        staged_records.log_file
    from staged_records
    left join events
        on
            staged_records.event_id = events.event_id
            and staged_records.recipient_account_id
            = events.recipient_account_id
            and {{ within_copied_days('events.event_at') }}
    where events.event_id is null

)

select * from lost
