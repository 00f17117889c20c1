with

log_reads as (select * from {{ ref('log_reads') }}),

ranked as (
    select
        *,
        row_number() over (
            partition by log_file
            order by loaded_at desc, load_id desc
        ) as attempts_ago
    from log_reads
),

-- Other bytes of the same size and time took a file's place.
replacements as (
    select
        log_file,
        size_bytes,
        modified_at,
        count(distinct sha256) - 1 as replaced_count
    from log_reads
    where sha256 is not null
    group by 1, 2, 3
),

-- A folder has a row while it cannot be listed, after that its files have rows.
newest_attempts as (
    select
        ranked.log_file,
        ranked.account_id,
        ranked.aws_region,
        ranked.delivered_date,
        ranked.status,
        ranked.problem,
        ranked.record_count,
        ranked.event_count,
        ranked.copied_record_count,
        ranked.rejected_record_count,
        ranked.too_large_record_count,
        ranked.forgotten_record_count,
        ranked.misplaced_record_count,
        ranked.ambiguous_record_count,
        ranked.sha256,
        replacements.replaced_count,
        ranked.size_bytes,
        {{ mart_timestamp('ranked.modified_at') }} as modified_at,
        ranked.log_root,
        ranked.load_id,
        {{ mart_timestamp('ranked.loaded_at') }} as loaded_at
    from ranked
    left join replacements
        on
            ranked.log_file = replacements.log_file
            and ranked.size_bytes = replacements.size_bytes
            and ranked.modified_at = replacements.modified_at
    where
        ranked.attempts_ago = 1
        and not (ranked.log_file like '%/' and ranked.status <> 'unreadable')
)

select * from newest_attempts
