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

        ---------- the event
        {{ iso_timestamp(raw_field(fields, 'eventtime')) }} as event_at,
        {{ raw_field(fields, 'eventname') }} as event_name,
        {{ raw_field(fields, 'eventsource') }} as event_source,
        {{ raw_field(fields, 'eventtype') }} as event_type,
        {{ raw_field(fields, 'eventcategory') }} as event_category,
        {{ raw_field(fields, 'eventversion') }} as event_version,
        {{ raw_field(fields, 'awsregion') }} as aws_region,
        {{ raw_field(fields, 'sourceipaddress') }} as source_ip_address,
        {{ raw_field(fields, 'useragent') }} as user_agent,
        {{ raw_field(fields, 'errorcode') }} as error_code,
        {{ raw_field(fields, 'errormessage') }}
            as error_message,
        {{ text_boolean(raw_field(fields, 'readonly')) }} as is_read_only,
        {{ text_boolean(raw_field(fields, 'managementevent')) }}
            as is_management_event,
        {{ raw_field(fields, 'requestid') }} as request_id,
        {{ raw_field(fields, 'sharedeventid') }} as shared_event_id,
        {{ raw_field(fields, 'apiversion') }} as api_version,

        ---------- who
        {{ raw_field(fields, 'useridentity.type') }} as identity_type,
        {{ raw_field(fields, 'useridentity.principalid') }} as principal_id,
        {{ raw_field(fields, 'useridentity.arn') }} as identity_arn,
        {{ raw_field(fields, 'useridentity.accountid') }}
            as identity_account_id,
        {{ raw_field(fields, 'useridentity.accesskeyid') }} as access_key_id,
        {{ raw_field(fields, 'useridentity.username') }} as user_name,
        {{ raw_field(fields, 'useridentity.invokedby') }} as invoked_by,
        {{ raw_field(fields, 'useridentity.invokedbydelegate.accountid') }}
            as invoked_by_delegate_account_id,
        {{ raw_field(fields, 'useridentity.identityprovider') }}
            as identity_provider,
        {{ raw_field(fields, 'useridentity.credentialid') }} as credential_id,
        {{ raw_field(fields, 'useridentity.onbehalfof.userid') }}
            as on_behalf_of_user_id,
        {{ raw_field(fields, 'useridentity.onbehalfof.identitystorearn') }}
            as identity_store_arn,
        {{ raw_field(fields, 'useridentity.inscopeof.sourcearn') }}
            as in_scope_of_source_arn,
        {{ raw_field(fields, 'useridentity.inscopeof.sourceaccount') }}
            as in_scope_of_source_account_id,
        {{ raw_field(fields, 'useridentity.inscopeof.issuertype') }}
            as in_scope_of_issuer_type,
        {{ raw_field(fields, 'useridentity.inscopeof.credentialsissuedto') }}
            as in_scope_of_credentials_issued_to,

        ---------- their session
        {{ iso_timestamp(raw_field(
            fields, 'useridentity.sessioncontext.attributes.creationdate'
        )) }} as session_created_at,
        {{ text_boolean(raw_field(
            fields, 'useridentity.sessioncontext.attributes.mfaauthenticated'
        )) }} as is_session_mfa_authenticated,
        {{ raw_field(
            fields, 'useridentity.sessioncontext.sessionissuer.type'
        ) }} as session_issuer_type,
        {{ raw_field(fields, 'useridentity.sessioncontext.sessionissuer.arn') }}
            as session_issuer_arn,
        {{ raw_field(
            fields, 'useridentity.sessioncontext.sessionissuer.accountid'
        ) }} as session_issuer_account_id,
        {{ raw_field(
            fields, 'useridentity.sessioncontext.sessionissuer.username'
        ) }} as session_issuer_user_name,
        {{ raw_field(
            fields, 'useridentity.sessioncontext.sessionissuer.principalid'
        ) }} as session_issuer_principal_id,
        {{ raw_field(fields, 'useridentity.sessioncontext.sourceidentity') }}
            as source_identity,
        {{ raw_field(fields, 'useridentity.sessioncontext.ec2roledelivery') }}
            as ec2_role_delivery,
        {{ raw_field(
            fields, 'useridentity.sessioncontext.webidfederationdata.federatedprovider'
        ) }} as federated_provider,
        {{ text_boolean(raw_field(
            fields, 'useridentity.sessioncontext.assumedroot'
        )) }} as is_assumed_root,
        {{ raw_field(fields, 'useridentity.sessioncontext.signinsessionarn') }}
            as sign_in_session_arn,
        {{ text_boolean(raw_field(fields, 'sessioncredentialfromconsole')) }}
            as is_console_credential,

        ---------- the way it came
        {{ raw_field(fields, 'vpcendpointid') }} as vpc_endpoint_id,
        {{ raw_field(fields, 'vpcendpointaccountid') }}
            as vpc_endpoint_account_id,
        {{ raw_field(fields, 'tlsdetails.tlsversion') }} as tls_version,
        {{ raw_field(fields, 'tlsdetails.ciphersuite') }} as tls_cipher_suite,
        {{ redacted_host(raw_field(
            fields, 'tlsdetails.clientprovidedhostheader'
        )) }} as tls_host_header,

        ---------- corrections of an earlier record
        {{ raw_field(fields, 'addendum.reason') }} as addendum_reason,
        {{ raw_field(fields, 'addendum.updatedfields') }}
            as addendum_updated_fields,
        {{ raw_field(fields, 'addendum.originalrequestid') }}
            as original_request_id,
        {{ raw_field(fields, 'addendum.originaleventid') }}
            as original_event_id,

        ---------- JSON text
        {{ bounded_json(fields, 'requestparameters') }}
            as request_parameters,
        {{ bounded_json(fields, 'responseelements') }}
            as response_elements,
        {{ bounded_json(fields, 'additionaleventdata') }}
            as additional_event_data,
        {{ bounded_json(fields, 'serviceeventdetails') }}
            as service_event_details,
        {{ bounded_json(fields, 'edgedevicedetails') }}
            as edge_device_details,
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
