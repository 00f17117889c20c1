{%- set same_in_both = [
    'event_name',
    'event_source',
    'identity_type',
    'principal_id',
    'identity_arn',
    'identity_account_id',
] -%}
with

corrections as (
    select * from {{ ref('events') }}
    where
        original_event_id is not null
        and original_event_id <> event_id
),

{% if is_incremental() %}

    known_corrections as (
        select
            event_id,
            recipient_account_id
        from {{ this }}
    ),

{% endif %}

pending_corrections as (
    select corrections.*
    from corrections
    {% if is_incremental() %}
        left join known_corrections
            on
                corrections.event_id = known_corrections.event_id
                and corrections.recipient_account_id
                = known_corrections.recipient_account_id
        where known_corrections.event_id is null
    {% endif %}
),

originals as (
    select * from {{ ref('events') }}
    where {{ may_be_corrected() }}
),

-- A correction of another kind of event, or of another identity, may be forged:
-- it corrects nothing.
paired as (
    select
        ---------- key
        pending_corrections.event_id,
        pending_corrections.recipient_account_id,

        ---------- the event that it corrects, of the same account
        pending_corrections.original_event_id,

        ---------- what both are of
        pending_corrections.event_name,
        pending_corrections.event_source,
        pending_corrections.identity_type,
        pending_corrections.principal_id,
        pending_corrections.identity_arn,
        pending_corrections.identity_account_id,

        ---------- why
        pending_corrections.addendum_reason,
        pending_corrections.addendum_updated_fields,

        ---------- the correction
        pending_corrections.event_at,
        pending_corrections.session_created_at,
        pending_corrections.is_assumed_root,
        pending_corrections.delivered_date,
        pending_corrections.log_file,
        pending_corrections.load_id as correction_load_id,
        pending_corrections.loaded_at as correction_loaded_at,

        ---------- the original
        originals.event_at as original_event_at,
        originals.session_created_at as original_session_created_at,
        originals.is_assumed_root as is_original_assumed_root,
        originals.log_file as original_log_file,
        originals.load_id as original_load_id,
        originals.loaded_at as original_loaded_at,

        ---------- the load that has both
        case
            when pending_corrections.loaded_at >= originals.loaded_at
                then pending_corrections.load_id
            else originals.load_id
        end as load_id,
        greatest(pending_corrections.loaded_at, originals.loaded_at)
            as loaded_at

    from pending_corrections
    inner join originals
        on
            pending_corrections.original_event_id = originals.event_id
            and pending_corrections.recipient_account_id
            = originals.recipient_account_id
            {%- for column in same_in_both %}
                and pending_corrections.{{ column }}
                is not distinct from originals.{{ column }}
            {%- endfor %}
)

select * from paired
