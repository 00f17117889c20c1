with

log_files as (

    select * from {{ ref('log_files') }}

),

log_reads as (

    select * from {{ ref('log_reads') }}

),

archived_logs as (

    select * from {{ ref('archived_logs') }}

),

empty_days as (

    select * from {{ ref('empty_days') }}

),

account_activity as (

    select * from {{ ref('account_activity') }}

),

role_switches as (

    select * from {{ ref('role_switches') }}

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}

),

-- The events of a file stay, though it cannot be read any more.
earlier_reads as (

    select
        log_reads.log_file,
        log_reads.account_id,
        log_reads.aws_region,
        log_reads.delivered_date,
        log_reads.event_count,
        row_number() over (
            partition by log_reads.log_file
            order by log_reads.loaded_at desc, log_reads.load_id desc
        ) as reads_ago
    from log_reads
    inner join log_files on log_reads.log_file = log_files.log_file
    where
        log_files.status = 'unreadable'
        and log_reads.status <> 'unreadable'
        and log_reads.log_file not like '%/'

),

covering_files as (

    select
        -- The key of a loose file need not tell them: its records did.
        coalesce(log_files.account_id, earlier_reads.account_id) as account_id,
        coalesce(log_files.aws_region, earlier_reads.aws_region) as aws_region,
        coalesce(log_files.delivered_date, earlier_reads.delivered_date)
            as delivered_date,
        log_files.status = 'unreadable' as is_unreadable,
        log_files.status <> 'unreadable'
        or earlier_reads.log_file is not null as was_read,
        coalesce(log_files.event_count, earlier_reads.event_count)
            as event_count
    from log_files
    left join earlier_reads
        on
            log_files.log_file = earlier_reads.log_file
            and earlier_reads.reads_ago = 1

),

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

newest_archived_logs as (

    select
        *,
        row_number() over (
            partition by log_root, account_id, aws_region, delivered_date
            order by loaded_at desc, load_id desc
        ) as times_ago
    from archived_logs

),

-- Several trails of an account have several roots.
archived_days as (

    select distinct
        account_id,
        aws_region,
        delivered_date
    from newest_archived_logs
    where times_ago = 1 and is_archived

),

newest_empty_days as (

    select
        *,
        row_number() over (
            partition by log_root, account_id, aws_region, delivered_date
            order by loaded_at desc, load_id desc
        ) as times_ago
    from empty_days

),

proved_empty_days as (

    select distinct
        account_id,
        aws_region,
        delivered_date
    from newest_empty_days
    where times_ago = 1 and is_empty

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
        -- What is told of a day is what it lacks, the surest first.
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

),

account_regions as (

    select
        account_id,
        count(*) as region_count
    from spans
    group by 1

),

account_days as (

    select
        account_id,
        delivered_date,
        count(*) as logged_region_count
    from covered_days
    where status = 'logged'
    group by 1, 2

),

-- That one region was idle says nothing of what another one lacks.
covered_days_of_accounts as (

    select
        covered_days.*,
        covered_days.status = 'logged'
        and (
            covered_days.file_count > 0
            or account_days.logged_region_count = account_regions.region_count
        ) as is_account_logged
    from covered_days
    inner join account_regions
        on covered_days.account_id = account_regions.account_id
    left join account_days
        on
            covered_days.account_id = account_days.account_id
            and covered_days.delivered_date = account_days.delivered_date

),

-- Who is refused may have named an account that there is none of.
typed_accounts as (

    select role_account_id as account_id from role_switches
    where outcome <> 'failure'
    union distinct
    select source_account_id as account_id from role_switches
    union distinct
    select role_account_id as account_id from role_assumptions
    where outcome <> 'failure'
    union distinct
    select caller_account_id as account_id from role_assumptions

),

named_accounts as (

    select account_id from typed_accounts
    where {{ account_id('account_id') }} is not null

),

-- A file of several accounts' records is none of theirs by its name.
seen_accounts as (

    select account_id from covering_files
    union distinct
    select account_id from archived_days
    union distinct
    select account_id from proved_empty_days
    union distinct
    select recipient_account_id as account_id from account_activity

),

unseen_accounts as (

    select
        named_accounts.account_id,
        cast(null as varchar) as aws_region,
        cast(null as date) as delivered_date,
        cast(0 as bigint) as file_count,
        cast(0 as bigint) as unreadable_file_count,
        cast(0 as bigint) as event_count,
        'no logs' as status,
        false as is_account_logged
    from named_accounts
    left join seen_accounts
        on named_accounts.account_id = seen_accounts.account_id
    where
        named_accounts.account_id is not null
        and seen_accounts.account_id is null

),

coverage as (

    select * from covered_days_of_accounts
    union all
    select * from unseen_accounts

)

select * from coverage
