with

files_read as (

    select * from {{ ref('stg_cloudtrail__log_reads') }}

),

staged_records as (

    select * from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected

),

events as (

    select * from {{ ref('events') }}

),

-- A file enters the ledger only when all its events are in the store.
files_in_part as (

    select distinct staged_records.log_file
    from staged_records
    left join events
        on
            staged_records.event_id = events.event_id
            and staged_records.recipient_account_id
            = events.recipient_account_id
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

attempts as (

    select files_read.*
    from files_read
    left join files_in_part
        on files_read.log_file = files_in_part.log_file
    {% if is_incremental() %}
        -- The same outcome of the same file is no news.
        left join newest_attempts
            on
                files_read.log_file = newest_attempts.log_file
                and files_read.status = newest_attempts.status
                and files_read.problem
                is not distinct from newest_attempts.problem
                and files_read.size_bytes
                is not distinct from newest_attempts.size_bytes
                and files_read.modified_at
                is not distinct from newest_attempts.modified_at
    {% endif %}
    where
        files_in_part.log_file is null
        {% if is_incremental() %}
            and newest_attempts.log_file is null
        {% endif %}

)

select * from attempts
