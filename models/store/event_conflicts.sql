{{ config(pre_hook="{{ clean_stored_secrets(this) }}") }}
-- A record is compared with the stored event of its key: a copy of it that this
-- load or an earlier one put there, or an unlike record.
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

-- Events that an older version stored have no digest, and match none.
unlike_records as (
    select
        ---------- key
        staged_records.event_id,
        staged_records.recipient_account_id,
        staged_records.log_file,
        staged_records.record_digest,

        ---------- the record that was left out, and the one in the store
        {%- for field in compared_fields() + json_fields() %}
            staged_records.{{ field }},
            events.{{ field }} as stored_{{ field }},
        {%- endfor %}
        events.log_file as stored_log_file,
        events.record_digest as stored_record_digest,
        events.load_id as stored_load_id,

        ---------- where they come from
        {{ is_of_trail('staged_records.log_file') }}
        and {{ is_of_trail('events.log_file') }} as are_of_trails,
        files_read.load_id = events.load_id as are_of_one_load,

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
        left join {{ this }} as known_conflicts
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

with_differing_texts as (
    select
        *,
        nullif({{ differing_fields() }}, '') as differing_texts,
        {{ is_kept_alike() }} as is_kept_alike
    from pairs
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
    from with_differing_texts as pairs
    left join json_differences
        on pairs.pair_number = json_differences.pair_number
),

-- Records that are alike in all stored fields differ in a redacted value.
conflicts as (
    select
        event_id,
        recipient_account_id,
        log_file,
        record_digest,
        coalesce(differing_values, 'redacted values') as differing_fields,
        {{ store_timestamp('event_at') }} as event_at,
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
