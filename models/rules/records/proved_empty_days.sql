with

empty_days as (select * from {{ ref('empty_days') }}),

newest as (
    {{ newest_log_days('empty_days') }}
),

-- Several trails of an account have several roots.
days as (
    select distinct
        account_id,
        aws_region,
        delivered_date
    from newest
    where is_empty
)

select * from days
