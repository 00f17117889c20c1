{#- The days that `rolecall verify` found to be proved empty, and those that are
    not proved any more. -#}
{%- set found = log_days_from_variable(var('empty_days'), 'is_empty') -%}
{%- set known = this if is_incremental() else none -%}
with

news as (
    {{ news_of_log_days(found, 'is_empty', known) }}
),

stamped as (
    select
        log_root,
        account_id,
        aws_region,
        delivered_date,
        is_empty,
        {{ load_id() }} as load_id,
        {{ store_timestamp(loaded_at()) }} as loaded_at
    from news
)

select * from stamped
