with

event_corrections as (

    select * from {{ ref('event_corrections') }}
    where
        (:from_day is null or event_at >= :from_day)
        and (:to_day is null or event_at < :to_day)

),

replaced_events as (

    select * from {{ ref('replaced_events') }}

),

listed as (

    select
        event_corrections.loaded_at,
        event_corrections.recipient_account_id,
        event_corrections.event_at,
        event_corrections.event_source,
        event_corrections.event_name,
        event_corrections.identity_arn,
        event_corrections.addendum_reason,
        event_corrections.addendum_updated_fields,
        event_corrections.original_event_id,
        event_corrections.event_id,
        replaced_events.replaced_by_event_id,
        event_corrections.original_log_file,
        event_corrections.log_file
    from event_corrections
    left join replaced_events
        on
            event_corrections.event_id = replaced_events.event_id
            and event_corrections.recipient_account_id
            = replaced_events.recipient_account_id

)

select * from listed
order by loaded_at, original_event_id, event_id, recipient_account_id
