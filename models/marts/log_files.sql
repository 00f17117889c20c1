with

log_reads as (

    select * from {{ ref('log_reads') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by log_file
            order by loaded_at desc, load_id desc
        ) as attempts_ago
    from log_reads

),

-- A folder is there while it cannot be listed: then its files are.
newest_attempts as (

    select
        log_file,
        account_id,
        aws_region,
        delivered_date,
        status,
        problem,
        record_count,
        event_count,
        copied_record_count,
        rejected_record_count,
        too_large_record_count,
        forgotten_record_count,
        size_bytes,
        {{ mart_timestamp('modified_at') }} as modified_at,
        log_root,
        load_id,
        {{ mart_timestamp('loaded_at') }} as loaded_at
    from ranked
    where
        attempts_ago = 1
        and not (log_file like '%/' and status <> 'unreadable')

)

select * from newest_attempts
