with

archived_logs as (select * from {{ ref('archived_logs') }}),

newest as (
    select
        *,
        row_number() over (
            partition by log_root, account_id, aws_region, delivered_date
            order by loaded_at desc, load_id desc
        ) as times_ago
    from archived_logs
),

-- Several trails of an account have several roots.
days as (
    select distinct
        account_id,
        aws_region,
        delivered_date
    from newest
    where times_ago = 1 and is_archived
)

select * from days
