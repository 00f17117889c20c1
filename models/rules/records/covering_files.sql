-- RULES 11: a file's events stay, even if it cannot be read any more.
with

log_reads as (select * from {{ ref('log_reads') }}),

ranked as (
    select
        *,
        row_number() over (
            partition by log_file
            order by loaded_at desc, load_id desc
        ) as attempts_ago,
        row_number() over (
            partition by log_file, status = 'unreadable'
            order by loaded_at desc, load_id desc
        ) as attempts_like_it_ago
    from log_reads
),

-- A folder has a row while it cannot be listed, after that its files have rows.
newest_attempts as (
    select * from ranked
    where
        attempts_ago = 1
        and not (log_file like '%/' and status <> 'unreadable')
),

newest_reads as (
    select * from ranked
    where
        attempts_like_it_ago = 1
        and status <> 'unreadable'
        and log_file not like '%/'
),

covering_files as (
    select
        newest_attempts.log_file,
        -- Where a file's key does not tell them, its records did.
        coalesce(newest_attempts.account_id, newest_reads.account_id)
            as account_id,
        coalesce(newest_attempts.aws_region, newest_reads.aws_region)
            as aws_region,
        coalesce(newest_attempts.delivered_date, newest_reads.delivered_date)
            as delivered_date,
        newest_attempts.status = 'unreadable' as is_unreadable,
        newest_attempts.status <> 'unreadable'
        or newest_reads.log_file is not null as was_read,
        coalesce(newest_attempts.event_count, newest_reads.event_count)
            as event_count
    from newest_attempts
    left join newest_reads
        on newest_attempts.log_file = newest_reads.log_file
)

select * from covering_files
