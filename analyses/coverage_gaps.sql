with

log_coverage as (

    select * from {{ ref('log_coverage') }}

),

account_days as (

    select
        account_id,
        delivered_date,
        max(case when status = 'logged' then 1 else 0 end) as is_logged
    from log_coverage
    where
        (:account is null or account_id = :account)
        and (
            delivered_date is null
            or (
                (
                    :from_day is null
                    or delivered_date >= cast(:from_day as date)
                )
                and (:to_day is null or delivered_date < cast(:to_day as date))
            )
        )
    group by 1, 2

),

accounts as (

    select
        account_id,
        min(delivered_date) as first_delivered_date,
        max(delivered_date) as last_delivered_date,
        count(delivered_date) as day_count,
        sum(case when delivered_date is not null then 1 - is_logged else 0 end)
            as missing_day_count
    from account_days
    group by 1

)

select * from accounts
order by 1
