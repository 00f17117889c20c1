-- The query that people type at the Athena console, on the raw logs.
{%- set logs = source('cloudtrail', 'cloudtrail_logs') -%}
{%- set fields = raw_fields() %}
with

records as (

    select
        {{ raw_field(fields, 'eventtime') }} as event_time,
        {{ redacted_text(raw_field(fields, 'responseelements')) }}
            as response_elements,
        {{ json_text(raw_field(fields, 'additionaleventdata'), 'SwitchFrom') }}
            as switch_from,
        {{ json_text(raw_field(fields, 'additionaleventdata'), 'SwitchTo') }}
            as switch_to,
        {{ raw_field(fields, 'useridentity.arn') }} as identity_arn,
        {{ raw_field(fields, 'sourceipaddress') }} as source_ip_address,
        coalesce(
            {{ raw_field(fields, 'recipientaccountid') }},
            {{ log_file_account() }}
        ) as account_id,
        {{ raw_field(fields, 'awsregion') }} as aws_region,
        {{ raw_field(fields, 'eventid') }} as event_id,
        {{ raw_field(fields, 'eventname') }} as event_name,
        {{ iso_timestamp(raw_field(fields, 'eventtime')) }} as event_at
    from {{ logs }}
    -- A record is delivered after its event, and seldom days later.
    where
        {{ delivered_between(
            ':from_day',
            ":to_day + interval '" ~ var('late_delivery_days') ~ "' day - interval '1' second"
        ) }}

),

-- SwitchFrom names the source in the role's account. In the source account the
-- record's identity is the source.
of_the_days as (

    select
        *,
        {{ arn_account('coalesce(switch_from, identity_arn)') }}
            as source_account_id
    from records
    where
        event_name = 'SwitchRole'
        and event_at >= :from_day
        and event_at < :to_day

),

switches as (

    select
        event_time,
        response_elements,
        switch_from,
        switch_to,
        identity_arn,
        source_ip_address,
        account_id,
        aws_region,
        event_id
    from of_the_days
    where
        (:account is null or account_id = :account)
        and (:source_account is null or source_account_id = :source_account)

)

select * from switches
order by event_time, event_id
