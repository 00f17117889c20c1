{{ config(tags=['load']) }}
-- Each record of a readable file is an event, a copy of one, rejected or
-- forgotten.
with

log_reads as (

    select * from {{ ref('log_reads') }}

),

miscounted as (

    select
        log_file,
        load_id
    from log_reads
    where
        (
            status <> 'unreadable'
            and record_count is distinct from
            event_count + copied_record_count + rejected_record_count
            + coalesce(forgotten_record_count, 0)
        )
        or (status = 'empty' and record_count is distinct from 0)
        or (status = 'unreadable' and record_count is not null)
        or (status = 'unreadable') <> (problem is not null)

)

select * from miscounted
