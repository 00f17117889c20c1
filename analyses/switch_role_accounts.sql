-- Where the query of the Athena console finds nothing: what there is to find.
{%- set logs = source('cloudtrail', 'cloudtrail_logs') -%}
{%- set fields = raw_fields() %}
with

records as (

    select
        {{ json_text(raw_field(fields, 'additionaleventdata'), 'SwitchFrom') }}
            as switch_from,
        {{ raw_field(fields, 'useridentity.arn') }} as identity_arn,
        coalesce(
            {{ raw_field(fields, 'recipientaccountid') }},
            {{ log_file_account() }}
        ) as account_id,
        {{ raw_field(fields, 'eventname') }} as event_name,
        {{ iso_timestamp(raw_field(fields, 'eventtime')) }} as event_at
    from {{ logs }}
    -- A record is delivered after it happened, and seldom days later.
    where
        {{ delivered_between(
            ':from_day',
            ":to_day + interval '" ~ var('late_delivery_days') ~ "' day - interval '1' second"
        ) }}

),

of_the_days as (

    select
        account_id,
        {{ arn_account('coalesce(switch_from, identity_arn)') }}
            as source_account_id
    from records
    where
        event_name = 'SwitchRole'
        and event_at >= :from_day
        and event_at < :to_day

),

accounts as (

    select
        'account' as kind,
        account_id as known_name,
        count(*) as entry_count,
        max(case when account_id = :account then 1 else 0 end) as is_given
    from of_the_days
    where :account is not null
    group by 1, 2

),

source_accounts as (

    select
        'source_account' as kind,
        source_account_id as known_name,
        count(*) as entry_count,
        max(case when source_account_id = :source_account then 1 else 0 end)
            as is_given
    from of_the_days
    where :source_account is not null
    group by 1, 2

),

names as (

    select * from accounts
    union all
    select * from source_accounts

),

ranked as (

    select
        kind,
        known_name,
        entry_count,
        row_number() over (
            partition by kind
            order by
                case when known_name is null then 1 else 0 end asc,
                entry_count desc,
                known_name asc
        ) as name_rank,
        count(known_name) over (partition by kind) as name_count,
        max(is_given) over (partition by kind) as is_given
    from names

),

listed as (

    select
        kind,
        known_name,
        entry_count,
        name_count
    from ranked
    where is_given = 0 and name_rank <= 10 and known_name is not null

)

select * from listed
order by 1 asc, 3 desc, 2 asc
