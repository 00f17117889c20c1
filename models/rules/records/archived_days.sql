with

archived_logs as (select * from {{ ref('archived_logs') }}),

newest as (
    {{ newest_log_days('archived_logs') }}
),

-- Several trails of an account have several roots.
days as (
    select distinct
        account_id,
        aws_region,
        delivered_date
    from newest
    where is_archived
)

select * from days
