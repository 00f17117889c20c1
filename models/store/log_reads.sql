{{ config(pre_hook="{{ clean_stored_secrets(this) }}") }}
with

files_read as (select * from {{ ref('stg_cloudtrail__log_reads') }}),

staged_records as (
    select * from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected
),

events as (select * from {{ ref('events') }}),

-- RULES 11: a file enters the ledger only when all its events and its conflicts
-- are in the store.
-- depends_on: {{ ref('event_conflicts') }}
files_in_part as (
    select distinct staged_records.log_file
    from staged_records
    left join events
        on
            staged_records.event_id = events.event_id
            and staged_records.recipient_account_id
            = events.recipient_account_id
            and {{ within_copied_days('events.event_at') }}
    where events.event_id is null
),

{% if is_incremental() %}

    earlier_attempts as (
        select
            *,
            row_number() over (
                partition by log_file
                order by loaded_at desc, load_id desc
            ) as attempts_ago
        from {{ this }}
    ),

    newest_attempts as (
        select * from earlier_attempts
        where attempts_ago = 1
    ),

{% endif %}

complete_files as (
    select files_read.*
    from files_read
    left join files_in_part
        on files_read.log_file = files_in_part.log_file
    where files_in_part.log_file is null
),

-- A repeated attempt with the same outcome is not entered again.
news as (
    select complete_files.*
    from complete_files
    {% if is_incremental() %}
        left join newest_attempts
            on
                complete_files.log_file = newest_attempts.log_file
                and complete_files.status = newest_attempts.status
                and complete_files.problem
                is not distinct from newest_attempts.problem
                and complete_files.size_bytes
                is not distinct from newest_attempts.size_bytes
                and complete_files.modified_at
                is not distinct from newest_attempts.modified_at
                and {{ has_same_bytes('complete_files', 'newest_attempts') }}
        where newest_attempts.log_file is null
    {% endif %}
),

listed as (
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
        misplaced_record_count,
        ambiguous_record_count,
        sha256,
        size_bytes,
        {{ store_timestamp('modified_at') }} as modified_at,
        log_root,
        load_id,
        {{ store_timestamp('loaded_at') }} as loaded_at
    from news
)

select * from listed
