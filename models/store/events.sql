{{ config(pre_hook="{{ clean_stored_secrets(this) }}") }}
{%- if is_incremental() -%}
    {%- set copied_days = within_copied_days('known_events.event_at') -%}
    {%- do merge_within(copied_days | replace('known_events.', 'target.')) -%}
{%- endif -%}
with

staged_records as (
    select * from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected
),

-- Referenced separately, so that DuckDB streams it instead of keeping it.
staged_copies as (
    select * from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected
),

files_read as (
    select
        log_file,
        delivered_date as file_delivered_date,
        load_id as file_load_id,
        loaded_at as file_loaded_at
    from {{ ref('stg_cloudtrail__log_reads') }}
),

repeated_keys as (
    select
        event_id,
        recipient_account_id
    from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected
    group by 1, 2
    having count(*) > 1
),

-- Few records have a copy in their load: only these are ranked.
ranked_copies as (
    select
        staged_copies.*,
        row_number() over (
            partition by
                staged_copies.event_id, staged_copies.recipient_account_id
            order by
                -- Anybody may have put a record into another account's folder.
                case
                    when
                        staged_copies.log_file_account_id
                        = staged_copies.recipient_account_id
                        then 0
                    else 1
                end,
                files_read.file_delivered_date,
                staged_copies.log_file,
                staged_copies.event_at,
                staged_copies.event_name,
                staged_copies.request_id,
                staged_copies.record_digest
        ) as copy_number
    from staged_copies
    inner join repeated_keys
        on
            staged_copies.event_id = repeated_keys.event_id
            and staged_copies.recipient_account_id
            = repeated_keys.recipient_account_id
    inner join files_read
        on staged_copies.log_file = files_read.log_file
),

single_records as (
    select
        staged_records.*,
        1 as copy_number
    from staged_records
    left join repeated_keys
        on
            staged_records.event_id = repeated_keys.event_id
            and staged_records.recipient_account_id
            = repeated_keys.recipient_account_id
    where repeated_keys.event_id is null
),

first_copies as (
    select * from single_records
    union all
    select * from ranked_copies
    where copy_number = 1
),

new_events as (
    select
        first_copies.*,
        files_read.file_delivered_date,
        files_read.file_load_id,
        files_read.file_loaded_at
    from first_copies
    inner join files_read
        on first_copies.log_file = files_read.log_file
    {% if is_incremental() %}
        left join {{ this }} as known_events
            on
                first_copies.event_id = known_events.event_id
                and first_copies.recipient_account_id
                = known_events.recipient_account_id
                and {{ copied_days }}
        where known_events.event_id is null
    {% endif %}
),

listed as (
    select
        ---------- key
        event_id,
        recipient_account_id,

        ---------- the record
        {%- for column, path, kind in record_fields() %}
            {%- if kind == 'time' %}
                {{ store_timestamp(column) }} as {{ column }},
            {%- else %}
                {{ column }},
            {%- endif %}
        {%- endfor %}
        resources,
        record_digest,

        ---------- where it was found
        log_file,
        file_delivered_date as delivered_date,
        file_load_id as load_id,
        {{ store_timestamp('file_loaded_at') }} as loaded_at

    from new_events
)

select * from listed
