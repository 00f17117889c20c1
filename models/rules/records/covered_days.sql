-- RULES 11: how far an account, region and day of delivery has its logs.
with

covering_files as (select * from {{ ref('covering_files') }}),

archived_days as (select * from {{ ref('archived_days') }}),

proved_empty_days as (select * from {{ ref('proved_empty_days') }}),

file_days as (
    select
        account_id,
        aws_region,
        delivered_date,
        sum(case when was_read then 1 else 0 end) as file_count,
        sum(case when is_unreadable then 1 else 0 end)
            as unreadable_file_count,
        sum(case when was_read then 0 else 1 end) as left_out_file_count,
        sum(event_count) as event_count
    from covering_files
    where
        account_id is not null
        and aws_region is not null
        and delivered_date is not null
    group by 1, 2, 3
),

seen_days as (
    select
        account_id,
        aws_region,
        delivered_date
    from file_days
    union distinct
    select * from archived_days
    union distinct
    select * from proved_empty_days
),

spans as (
    select
        account_id,
        aws_region,
        min(delivered_date) as first_delivered_date,
        max(delivered_date) as last_delivered_date
    from seen_days
    where {{ is_log_date('delivered_date') }}
    group by 1, 2
),

days as (
    select
        spans.account_id,
        spans.aws_region,
        calendar.delivered_date
    from spans
    cross join
        unnest(
            {{ days_between(
                'spans.first_delivered_date', 'spans.last_delivered_date'
            ) }}
        ) as calendar (delivered_date)
),

covered_days as (
    select
        days.account_id,
        days.aws_region,
        days.delivered_date,
        cast(coalesce(file_days.file_count, 0) as bigint) as file_count,
        cast(coalesce(file_days.unreadable_file_count, 0) as bigint)
            as unreadable_file_count,
        cast(coalesce(file_days.event_count, 0) as bigint) as event_count,
        -- The status names what the day lacks, the surest first.
        case
            when archived_days.delivered_date is not null then 'archived'
            when
                proved_empty_days.delivered_date is not null
                and file_days.delivered_date is null then 'logged'
            when coalesce(file_days.file_count, 0) = 0 then 'no logs'
            when file_days.left_out_file_count > 0 then 'partial'
            else 'logged'
        end as status
    from days
    left join file_days
        on
            days.account_id = file_days.account_id
            and days.aws_region = file_days.aws_region
            and days.delivered_date = file_days.delivered_date
    left join archived_days
        on
            days.account_id = archived_days.account_id
            and days.aws_region = archived_days.aws_region
            and days.delivered_date = archived_days.delivered_date
    left join proved_empty_days
        on
            days.account_id = proved_empty_days.account_id
            and days.aws_region = proved_empty_days.aws_region
            and days.delivered_date = proved_empty_days.delivered_date
)

select * from covered_days
