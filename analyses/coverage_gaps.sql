with

log_coverage as (

    select * from {{ ref('log_coverage') }}

),

log_files as (

    select * from {{ ref('log_files') }}

),

-- A day is asked for if the window has a part of it, since a window need not
-- begin or end with a day of UTC.
region_days as (

    select
        account_id,
        aws_region,
        delivered_date,
        coalesce(
            (
                :from_day is null
                or delivered_date >= cast(:from_day as date)
            )
            and (
                :to_day is null
                or cast(delivered_date as timestamp) < :to_day
            ),
            false
        ) as is_asked_for,
        case when status = 'logged' then 1 else 0 end as is_logged,
        case when is_account_logged then 1 else 0 end as is_account_logged,
        case when status = 'partial' then 1 else 0 end as is_partial,
        case
            when status = 'no logs' and unreadable_file_count > 0 then 1
            else 0
        end as is_unread,
        case when status = 'archived' then 1 else 0 end as is_archived
    from log_coverage

),

-- A region without a log may have been idle. A region that lacks some logs was
-- not, whatever logs other regions have.
account_days as (

    select
        account_id,
        delivered_date,
        is_asked_for,
        case
            when max(is_archived) + max(is_partial) + max(is_unread) > 0 then 0
            else max(is_account_logged)
        end as is_logged,
        case
            when max(is_archived) > 0 then 0
            when max(is_partial) > 0 then 1
            else least(max(is_unread), max(is_account_logged))
        end as is_partial,
        max(is_archived) as is_archived
    from region_days
    group by 1, 2, 3

),

-- The days asked for that any account has.
covered_days as (

    select
        min(delivered_date) as first_day,
        max(delivered_date) as last_day
    from account_days
    where is_asked_for

),

accounts as (

    select
        account_id,
        min(delivered_date) as first_known_date,
        min(case when is_asked_for then delivered_date end)
            as first_delivered_date,
        max(case when is_asked_for then delivered_date end)
            as last_delivered_date,
        sum(case when is_asked_for then is_logged else 0 end)
            as logged_day_count,
        sum(case when is_asked_for then is_partial else 0 end)
            as partial_day_count,
        sum(case when is_asked_for then is_archived else 0 end)
            as archived_day_count
    from account_days
    where {{ is_of_account('account_id') }}
    group by 1

),

-- Every account should have the days that were asked for. Without a first day
-- an account is expected from its own first day on; without both days, up to
-- its own last day.
expected as (

    select
        accounts.*,
        case
            when :from_day is null then accounts.first_known_date
            else covered_days.first_day
        end as first_expected_date,
        case
            when :from_day is null and :to_day is null
                then accounts.last_delivered_date
            else covered_days.last_day
        end as last_expected_date
    from accounts
    cross join covered_days

),

counted as (

    select
        account_id,
        cast(null as varchar) as aws_region,
        first_delivered_date,
        last_delivered_date,
        logged_day_count,
        partial_day_count,
        archived_day_count,
        case
            when first_known_date is null then 0
            else date_diff('day', first_expected_date, last_expected_date) + 1
        end as day_count
    from expected
    where
        first_known_date is null
        or first_expected_date <= last_expected_date

),

-- A region is expected to have the days between its own first and last day. It
-- may have been idle on them: so it has a row, and does not count for its
-- account.
counted_regions as (

    select
        account_id,
        aws_region,
        min(delivered_date) as first_delivered_date,
        max(delivered_date) as last_delivered_date,
        sum(is_logged) as logged_day_count,
        sum(is_partial) as partial_day_count,
        sum(is_archived) as archived_day_count,
        count(*) as day_count
    from region_days
    where
        is_asked_for
        and aws_region is not null
        and {{ is_of_account('account_id') }}
    group by 1, 2

),

-- One row for all files without account, region or day: nothing tells to which
-- days their records belong.
files_of_no_day as (

    select
        cast(null as varchar) as account_id,
        cast(null as varchar) as aws_region,
        cast(null as date) as first_delivered_date,
        cast(null as date) as last_delivered_date,
        cast(0 as bigint) as logged_day_count,
        cast(0 as bigint) as partial_day_count,
        cast(0 as bigint) as archived_day_count,
        cast(0 as bigint) as day_count
    from log_files
    where
        status = 'loaded'
        and (
            account_id is null
            or aws_region is null
            or delivered_date is null
        )
        and (
            :from_day is null
            or coalesce(delivered_date >= cast(:from_day as date), true)
        )
        and (
            :to_day is null
            or coalesce(cast(delivered_date as timestamp) < :to_day, true)
        )
    group by 1, 2, 3, 4

),

reckoned as (

    select * from counted
    union all
    select * from counted_regions
    where logged_day_count < day_count
    union all
    select * from files_of_no_day

),

listed as (

    select
        account_id,
        aws_region,
        first_delivered_date,
        last_delivered_date,
        day_count,
        day_count - logged_day_count - partial_day_count - archived_day_count
            as missing_day_count,
        partial_day_count,
        archived_day_count
    from reckoned

)

select * from listed
order by 1, 2 nulls first
