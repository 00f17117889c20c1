{{ config(pre_hook="{{ clean_stored_secrets(this) }}") }}
-- A record is compared with what the store has under its key: a copy of it that
-- this load or an earlier one put there, or an unlike record.
with

staged_records as (

    select * from {{ ref('stg_cloudtrail__events') }}
    where not is_rejected and {{ may_conflict() }}

),

files_read as (

    select
        log_file,
        load_id,
        loaded_at
    from {{ ref('stg_cloudtrail__log_reads') }}

),

events as (

    select * from {{ ref('events') }}
    where {{ may_conflict() }} and {{ within_copied_days('event_at') }}

),

-- Of events that an older version stored no digest is known.
unlike_records as (

    select
        ---------- key
        staged_records.event_id,
        staged_records.recipient_account_id,
        staged_records.log_file,
        staged_records.record_digest,

        ---------- what is different
        nullif({{ differing_fields('staged_records', 'events') }}, '')
            as differing_texts,
        {{ is_kept_alike('staged_records', 'events') }} as is_kept_alike,
        {%- for field in json_fields() %}
            staged_records.{{ field }},
            events.{{ field }} as stored_{{ field }},
        {%- endfor %}

        ---------- the record that was left out
        {{ store_timestamp('staged_records.event_at') }} as event_at,
        staged_records.event_name,
        staged_records.event_source,
        staged_records.identity_arn,
        staged_records.source_ip_address,
        staged_records.error_code,

        ---------- the one that is in the store
        events.log_file as stored_log_file,
        events.record_digest as stored_record_digest,
        events.event_at as stored_event_at,
        events.event_name as stored_event_name,
        events.event_source as stored_event_source,
        events.identity_arn as stored_identity_arn,
        events.source_ip_address as stored_source_ip_address,
        events.error_code as stored_error_code,
        events.load_id as stored_load_id,

        ---------- when it was found
        files_read.load_id,
        {{ store_timestamp('files_read.loaded_at') }} as loaded_at,

        -- A file may have the same record twice.
        row_number() over (
            partition by
                staged_records.event_id,
                staged_records.recipient_account_id,
                staged_records.log_file,
                staged_records.record_digest
            order by events.loaded_at
        ) as copy_number

    from staged_records
    inner join files_read
        on staged_records.log_file = files_read.log_file
    inner join events
        on
            staged_records.event_id = events.event_id
            and staged_records.recipient_account_id
            = events.recipient_account_id
    where staged_records.record_digest <> events.record_digest

),

{% if is_incremental() %}

    known_conflicts as (

        select
            event_id,
            recipient_account_id,
            log_file,
            record_digest
        from {{ this }}

    ),

{% endif %}

first_copies as (

    select * from unlike_records
    where copy_number = 1

),

pairs as (

    select
        first_copies.*,
        row_number() over (
            order by
                first_copies.event_id,
                first_copies.recipient_account_id,
                first_copies.log_file,
                first_copies.record_digest
        ) as pair_number
    from first_copies
    {% if is_incremental() %}
        left join known_conflicts
            on
                first_copies.event_id = known_conflicts.event_id
                and first_copies.recipient_account_id
                = known_conflicts.recipient_account_id
                and first_copies.log_file = known_conflicts.log_file
                and first_copies.record_digest
                = known_conflicts.record_digest
        where known_conflicts.event_id is null
    {% endif %}

),

json_differences as (

    {{ differing_json('pairs') }}

),

compared as (

    select
        pairs.*,
        nullif({{ joined_texts(
            ['pairs.differing_texts', 'json_differences.differing_json'], "', '"
        ) }}, '') as differing_values
    from pairs
    left join json_differences
        on pairs.pair_number = json_differences.pair_number

),

-- Alike in all that is kept, they differ in what is not.
conflicts as (

    select
        event_id,
        recipient_account_id,
        log_file,
        record_digest,
        coalesce(differing_values, 'redacted values') as differing_fields,
        event_at,
        event_name,
        event_source,
        identity_arn,
        source_ip_address,
        error_code,
        stored_log_file,
        stored_record_digest,
        stored_event_at,
        stored_event_name,
        stored_event_source,
        stored_identity_arn,
        stored_source_ip_address,
        stored_error_code,
        stored_load_id,
        load_id,
        loaded_at
    from compared
    where differing_values is not null or is_kept_alike

)

select * from conflicts
