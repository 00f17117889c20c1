with

event_conflicts as (

    select * from {{ ref('event_conflicts') }}
    where
        (:from_day is null or event_at >= :from_day)
        and (:to_day is null or event_at < :to_day)

),

listed as (

    select
        loaded_at,
        event_id,
        recipient_account_id,
        differing_fields,
        stored_event_at,
        stored_event_name,
        stored_identity_arn,
        stored_log_file,
        event_at,
        event_name,
        identity_arn,
        log_file
    from event_conflicts

)

select * from listed
order by loaded_at, event_id, recipient_account_id, log_file
