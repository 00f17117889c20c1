{%- set known = this if is_incremental() else none -%}
with

news as (
    {{ news_of_log_days(archived_logs_found(), 'is_archived', known) }}
),

stamped as (
    select
        log_root,
        account_id,
        aws_region,
        delivered_date,
        is_archived,
        {{ load_id() }} as load_id,
        {{ store_timestamp(loaded_at()) }} as loaded_at
    from news
)

select * from stamped
