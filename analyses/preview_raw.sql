-- Raw rows of the source, before anything is typed.
{%- set logs = source('cloudtrail', 'cloudtrail_logs') -%}
{%- set fields = raw_fields() %}
{%- set texts = [
    'useragent', 'errormessage', 'requestparameters', 'responseelements',
    'additionaleventdata', 'serviceeventdetails',
] %}
with

records as (

    select
        {{ raw_field(fields, 'eventversion') }} as eventversion,
        {{ raw_field(fields, 'eventtime') }} as eventtime,
        {{ raw_field(fields, 'eventsource') }} as eventsource,
        {{ raw_field(fields, 'eventname') }} as eventname,
        {{ raw_field(fields, 'awsregion') }} as awsregion,
        {{ raw_field(fields, 'sourceipaddress') }} as sourceipaddress,
        {{ raw_field(fields, 'useragent') }} as useragent,
        {{ raw_field(fields, 'errorcode') }} as errorcode,
        {{ raw_field(fields, 'errormessage') }} as errormessage,
        {{ raw_field(fields, 'useridentity.type') }} as useridentity_type,
        {{ raw_field(fields, 'useridentity.principalid') }}
            as useridentity_principalid,
        {{ raw_field(fields, 'useridentity.arn') }} as useridentity_arn,
        {{ raw_field(fields, 'useridentity.accountid') }}
            as useridentity_accountid,
        {{ raw_field(fields, 'useridentity.accesskeyid') }}
            as useridentity_accesskeyid,
        {{ raw_field(fields, 'useridentity.username') }}
            as useridentity_username,
        {{ raw_field(fields, 'useridentity.invokedby') }}
            as useridentity_invokedby,
        {{ raw_field(fields, 'requestparameters') }} as requestparameters,
        {{ raw_field(fields, 'responseelements') }} as responseelements,
        {{ raw_field(fields, 'additionaleventdata') }} as additionaleventdata,
        {{ raw_field(fields, 'serviceeventdetails') }} as serviceeventdetails,
        {{ raw_field(fields, 'requestid') }} as requestid,
        {{ raw_field(fields, 'eventid') }} as eventid,
        {{ raw_field(fields, 'sharedeventid') }} as sharedeventid,
        {{ raw_field(fields, 'readonly') }} as readonly,
        {{ raw_field(fields, 'eventtype') }} as eventtype,
        {{ raw_field(fields, 'recipientaccountid') }} as recipientaccountid,
        "$path" as log_path,
        {{ iso_timestamp(raw_field(fields, 'eventtime')) }} as event_at
    from {{ logs }}
    -- A record is delivered after its event, and seldom days later.
    where
        {{ delivered_between(
            ':from_day',
            ":to_day + interval '" ~ var('late_delivery_days') ~ "' day - interval '1' second"
        ) }}

),

of_the_days as (

    select
        *,
        -- One expression for all: Athena takes no statement above 256 KB.
        {{ redacted_list(texts) }} as redacted_texts
    from records
    where
        (:from_day is null or event_at >= :from_day)
        and (:to_day is null or event_at < :to_day)

),

without_secrets as (

    select
        eventversion,
        eventtime,
        eventsource,
        eventname,
        awsregion,
        sourceipaddress,
        redacted_texts[1] as useragent,
        errorcode,
        redacted_texts[2] as errormessage,
        useridentity_type,
        useridentity_principalid,
        useridentity_arn,
        useridentity_accountid,
        useridentity_accesskeyid,
        useridentity_username,
        useridentity_invokedby,
        redacted_texts[3] as requestparameters,
        redacted_texts[4] as responseelements,
        redacted_texts[5] as additionaleventdata,
        redacted_texts[6] as serviceeventdetails,
        requestid,
        eventid,
        sharedeventid,
        readonly,
        eventtype,
        recipientaccountid,
        log_path
    from of_the_days

)

select * from without_secrets
limit 10 -- noqa: AM09
