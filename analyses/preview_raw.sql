-- A look at what the source holds, before anything is typed.
select
    eventtime,
    eventname,
    eventsource,
    awsregion,
    sourceipaddress,
    useragent,
    errorcode,
    errormessage,
    useridentity.type as useridentity_type,
    useridentity.principalid as useridentity_principalid,
    useridentity.arn as useridentity_arn,
    useridentity.accountid as useridentity_accountid,
    useridentity.accesskeyid as useridentity_accesskeyid,
    useridentity.username as useridentity_username,
    {{ redacted_json('requestparameters') }} as requestparameters,
    {{ redacted_json('responseelements') }} as responseelements,
    {{ redacted_json('additionaleventdata') }} as additionaleventdata,
    requestid,
    eventid,
    eventtype,
    recipientaccountid,
    eventversion,
    "$path" as log_path
from {{ source('cloudtrail', 'cloudtrail_logs') }}
where
    (:from_day is null or {{ iso_timestamp('eventtime') }} >= :from_day)
    and (:to_day is null or {{ iso_timestamp('eventtime') }} < :to_day)
limit 10 -- noqa: AM09
