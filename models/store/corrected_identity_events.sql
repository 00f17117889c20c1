with

identity_events as (select * from {{ ref('identity_events') }}),

replaced_events as (select * from {{ ref('replaced_events') }}),

corrected as (
    select identity_events.*
    from identity_events
    left join replaced_events
        on
            identity_events.event_id = replaced_events.event_id
            and identity_events.recipient_account_id
            = replaced_events.recipient_account_id
    where replaced_events.event_id is null
)

select * from corrected
