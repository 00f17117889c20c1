-- The query that people type at the Athena console, on the raw logs.
with

records as (

    select
        *,
        {{ iso_timestamp('eventtime') }} as event_at,
        coalesce(
            {{ raw_field('recipientaccountid') }}, {{ log_file_account() }}
        ) as account_id
    from {{ source('cloudtrail', 'cloudtrail_logs') }}

),

switches as (

    select
        eventtime as event_time,
        {{ redacted_json('responseelements') }} as response_elements,
        {{ json_text('additionaleventdata', 'SwitchFrom') }} as switch_from,
        {{ json_text('additionaleventdata', 'SwitchTo') }} as switch_to,
        useridentity.arn as identity_arn,
        sourceipaddress as source_ip_address,
        account_id,
        awsregion as aws_region,
        eventid as event_id
    from records
    where
        eventname = 'SwitchRole'
        and event_at >= :from_day
        and event_at < :to_day
        and account_id = :account

)

select * from switches
order by event_time, event_id
