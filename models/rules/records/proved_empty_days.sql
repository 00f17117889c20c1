with

empty_days as (select * from {{ ref('empty_days') }}),

newest as (
    select
        *,
        row_number() over (
            partition by log_root, account_id, aws_region, delivered_date
            order by loaded_at desc, load_id desc
        ) as times_ago
    from empty_days
),

-- Several trails of an account have several roots.
days as (
    select distinct
        account_id,
        aws_region,
        delivered_date
    from newest
    where times_ago = 1 and is_empty
)

select * from days
