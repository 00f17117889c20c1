{%- set logs = source('cloudtrail', 'unread_cloudtrail_logs') -%}
{%- set fields = raw_fields() -%}
{%- set recipient_account_id -%}
    coalesce(
        {{ raw_field(fields, 'recipientaccountid') }},
        {{ log_file_account() }},
        {{ raw_field(fields, 'useridentity.accountid') }},
        'unknown'
    )
{%- endset -%}
{%- set switch_parties = {} -%}
{%- for name in ['SwitchFrom', 'SwitchTo'] -%}
    {%- do switch_parties.update({
        name: 'case when ' ~ raw_field(fields, 'eventsource') ~ " = 'signin.amazonaws.com' then "
        ~ json_text(raw_field(fields, 'additionaleventdata'), name) ~ ' end'
    }) -%}
{%- endfor -%}

with

typed as (
    select
        ---------- keys
        {{ raw_field(fields, 'eventid') }} as logged_event_id,
        {{ recipient_account_id }} as recipient_account_id,
        -- Where none is logged, a digest of the values as logged, which tells
        -- records apart that differ in a secret alone.
        coalesce(
            {{ raw_field(fields, 'eventid') }},
            {{ text_sha256(key_text([
                iso_text(iso_timestamp(raw_field(fields, 'eventtime'))),
                recipient_account_id,
                raw_field(fields, 'eventsource'),
                raw_field(fields, 'eventname'),
                raw_field(fields, 'awsregion'),
                raw_field(fields, 'sourceipaddress'),
                raw_field(fields, 'useragent'),
                raw_field(fields, 'errorcode'),
                raw_field(fields, 'errormessage'),
                raw_field(fields, 'requestid'),
                raw_field(fields, 'sharedeventid'),
                raw_field(fields, 'useridentity.type'),
                raw_field(fields, 'useridentity.principalid'),
                raw_field(fields, 'useridentity.arn'),
                raw_field(fields, 'useridentity.accesskeyid'),
                raw_field(fields, 'useridentity.username'),
                iso_text(iso_timestamp(raw_field(
                    fields,
                    'useridentity.sessioncontext.attributes.creationdate'
                ))),
                switch_parties['SwitchFrom'],
                switch_parties['SwitchTo'],
            ])) }}
        ) as event_id,

        ---------- the fields of the record
        {%- for column, path, kind in record_fields() %}
            {%- set field = raw_field(fields, path) %}
            {%- if kind == 'time' %}
                {{ iso_timestamp(field) }} as {{ column }},
            {%- elif kind == 'boolean' %}
                {{ text_boolean(field) }} as {{ column }},
            {%- elif kind == 'json' %}
                {{ bounded_json(fields, path) }} as {{ column }},
            {%- elif kind == 'host' %}
                {{ redacted_host(field) }} as {{ column }},
            {%- else %}
                {{ field }} as {{ column }},
            {%- endif %}
        {%- endfor %}
        {{ resources_json(fields) }} as resources,

        ---------- both ends of a switch
        {{ switch_parties['SwitchFrom'] }} as switch_from_arn,
        {{ switch_parties['SwitchTo'] }} as switch_to_arn,

        ---------- the record as logged
        case
            when not ({{ is_forgotten() }} or {{ is_too_large(fields) }})
                then {{ record_digest(fields) }}
        end as record_digest,

        ---------- where it was found
        {{ log_file() }} as log_file,
        {{ log_file_account() }} as log_file_account_id,
        {{ log_file_region() }} as log_file_region,
        {{ record_keys() }} as record_keys,
        {{ log_file_delivered_date() }} as delivered_date,
        {{ load_id() }} as load_id,
        {{ loaded_at() }} as loaded_at,
        {{ is_forgotten() }} as is_forgotten,
        {{ is_too_large(fields) }} as is_too_large

    from {{ logs }}
    where {{ is_unread() }}
),

looked_at as (
    select
        *,
        {{ redacted_texts(redacted_columns(), digested_columns()) }}
            as redacted_texts,
        {{ redacted_texts(redacted_json_columns()) }} as redacted_jsons
    from typed
),

without_secrets as (
    select
        ---------- text, where any has a hint of a secret without it
        {%- for column in digested_columns() %}
            case
                when redacted_texts is null then {{ column }}
                else {{ digested_secret(column) }}
            end as {{ column }},
        {%- endfor %}
        {%- for column in redacted_columns() %}
            case
                when redacted_texts is null then {{ column }}
                else redacted_texts[{{ loop.index }}]
            end as {{ column }},
        {%- endfor %}
        {%- for column in redacted_json_columns() %}
            case
                when redacted_jsons is null then {{ column }}
                else redacted_jsons[{{ loop.index }}]
            end as {{ column }},
        {%- endfor %}

        ---------- times, yes and no
        event_at,
        session_created_at,
        is_read_only,
        is_management_event,
        is_session_mfa_authenticated,
        is_assumed_root,
        is_console_credential,

        ---------- the record as logged
        record_digest,

        ---------- where it was found
        log_file,
        log_file_account_id,
        log_file_region,
        record_keys,
        delivered_date,
        load_id,
        loaded_at,
        is_forgotten,
        is_too_large
    from looked_at
),

flagged as (
    select
        *,
        -- A record that has no valid time or is too large is counted, and
        -- goes no further; nor does what is forgotten.
        event_at is null or is_forgotten or is_too_large as is_rejected,
        {{ is_misplaced(
            'recipient_account_id',
            'aws_region',
            'event_source',
            'log_file_account_id',
            'log_file_region'
        ) }} as is_misplaced
    from without_secrets
)

select * from flagged
