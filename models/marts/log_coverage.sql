with

covered_days as (select * from {{ ref('covered_days') }}),

covering_files as (select * from {{ ref('covering_files') }}),

account_activity as (select * from {{ ref('account_activity') }}),

role_switches as (select * from {{ ref('role_switches') }}),

role_assumptions as (select * from {{ ref('role_assumptions') }}),

account_regions as (
    select
        account_id,
        count(distinct aws_region) as region_count
    from covered_days
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

-- A region that was idle does not prove that another region lacks nothing.
covered_days_of_accounts as (
    select
        covered_days.account_id,
        covered_days.aws_region,
        covered_days.delivered_date,
        covered_days.file_count,
        covered_days.unreadable_file_count,
        covered_days.event_count,
        covered_days.status,
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

-- A refused request may name an account that does not exist.
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

-- A file with records of several accounts has no single owner: then the events
-- tell the accounts.
seen_accounts as (
    select account_id from covering_files
    union distinct
    select account_id from covered_days
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
