{#- An unreadable file has no counts. -#}
{%- set counts = [
    ('dated_by_file', 'event_count'),
    ('dated_by_file', 'copied_record_count'),
    ('left_out_by_file', 'rejected_record_count'),
    ('left_out_by_file', 'too_large_record_count'),
    ('left_out_by_file', 'forgotten_record_count'),
    ('left_out_by_file', 'misplaced_record_count'),
] %}
with

staged_records as (select * from {{ ref('stg_cloudtrail__events') }}),

files as (
    {{ log_files_read() }}
),

-- A forgotten record is not an event, but tells the account, region and day of
-- its file.
distinct_events as (
    select
        log_file,
        event_id,
        recipient_account_id,
        is_forgotten,
        max(event_at) as event_at,
        min(aws_region) as aws_region,
        count(*) as record_count
    from staged_records
    where not is_rejected or is_forgotten
    group by 1, 2, 3, 4
),

dated_by_file as (
    select
        log_file,
        sum(case when is_forgotten then 0 else 1 end) as event_count,
        sum(case when is_forgotten then 0 else record_count - 1 end)
            as copied_record_count,
        max(
            case
                when {{ is_log_date('cast(event_at as date)') }} then event_at
            end
        ) as newest_event_at,
        case
            when min(recipient_account_id) = max(recipient_account_id)
                then min(recipient_account_id)
        end as only_account_id,
        case
            when min(aws_region) = max(aws_region) then min(aws_region)
        end as only_region
    from distinct_events
    group by 1
),

left_out_by_file as (
    select
        log_file,
        sum(
            case when is_forgotten then 0 when is_rejected then 1 else 0 end
        ) as rejected_record_count,
        sum(case when is_too_large and not is_forgotten then 1 else 0 end)
            as too_large_record_count,
        sum(case when is_forgotten then 1 else 0 end) as forgotten_record_count,
        sum(case when is_misplaced then 1 else 0 end) as misplaced_record_count
    from staged_records
    where is_rejected or is_misplaced
    group by 1
),

-- Records have few different lists of keys.
lists_of_keys as (
    select distinct record_keys from staged_records
),

lists_with_repeated_keys as (
    select record_keys from lists_of_keys
    where {{ repeats_keys('record_keys') }}
),

repeated_by_file as (
    select
        staged_records.log_file,
        count(*) as repeated_record_count
    from staged_records
    inner join lists_with_repeated_keys
        on staged_records.record_keys = lists_with_repeated_keys.record_keys
    group by 1
),

counted as (
    select
        files.log_file,
        files.log_root,
        -- Where a file's key does not tell them, its records do.
        coalesce(files.account_id, dated_by_file.only_account_id)
            as account_id,
        coalesce(files.aws_region, dated_by_file.only_region) as aws_region,
        coalesce(
            files.delivered_date,
            cast(dated_by_file.newest_event_at as date)
        ) as delivered_date,
        files.status,
        files.problem,
        files.record_count,
        {%- for counted, count in counts %}
            case
                when files.status <> 'unreadable'
                    then cast(coalesce({{ counted }}.{{ count }}, 0) as bigint)
            end as {{ count }},
        {%- endfor %}
        case
            when files.status <> 'unreadable'
                then cast(
                    coalesce(repeated_by_file.repeated_record_count, 0)
                    + files.repeated_list_record_count as bigint
                )
        end as ambiguous_record_count,
        files.sha256,
        files.size_bytes,
        files.modified_at,
        files.load_id,
        files.loaded_at
    from files
    left join dated_by_file
        on files.log_file = dated_by_file.log_file
    left join left_out_by_file
        on files.log_file = left_out_by_file.log_file
    left join repeated_by_file
        on files.log_file = repeated_by_file.log_file
),

stamped as (
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
        {{ mart_timestamp('modified_at') }} as modified_at,
        log_root,
        load_id,
        loaded_at
    from counted
    where {{ is_of_this_slice() }}
)

select * from stamped
