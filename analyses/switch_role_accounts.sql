-- The accounts that switch_role_query could find, for when it finds nothing.
{%- set logs = source('cloudtrail', 'cloudtrail_logs') -%}
{%- set fields = raw_fields() %}
with

records as (

    select
        {{ raw_field(fields, 'additionaleventdata') }} as additional_event_data,
        {{ raw_field(fields, 'useridentity.arn') }} as identity_arn,
        coalesce(
            {{ raw_field(fields, 'recipientaccountid') }},
            {{ log_file_account() }}
        ) as account_id,
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

of_the_days as (

    select
        account_id,
        additional_event_data,
        identity_arn,
        case when event_name = 'SwitchRole' then 1 else 0 end as is_switch
    from records
    where event_at >= :from_day and event_at < :to_day

),

-- An account without a switch has logs, too.
accounts as (

    select
        'account' as kind,
        account_id as known_name,
        sum(is_switch) as entry_count,
        max(case when account_id = :account then 1 else 0 end) as is_given
    from of_the_days
    where :account is not null
    group by 1, 2

),

switches as (

    select
        {{ arn_account(
            "coalesce("
            ~ json_text('additional_event_data', 'SwitchFrom')
            ~ ", identity_arn)"
        ) }} as source_account_id
    from of_the_days
    where is_switch = 1 and :source_account is not null

),

source_accounts as (

    select
        'source_account' as kind,
        source_account_id as known_name,
        count(*) as entry_count,
        max(case when source_account_id = :source_account then 1 else 0 end)
            as is_given
    from switches
    group by 1, 2

),

names as (

    select * from accounts
    union all
    select * from source_accounts

),

{{ most_frequent_names('names') }}

select * from most_frequent_names
order by 1 asc, 3 desc, 2 asc
