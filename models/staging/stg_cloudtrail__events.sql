with

records as (

    select * from {{ source('cloudtrail', 'unread_cloudtrail_logs') }}

),

typed as (

    select
        ---------- keys
        {{ raw_field('eventid') }} as logged_event_id,
        coalesce(
            {{ raw_field('recipientaccountid') }},
            {{ log_file_account() }},
            {{ raw_field('useridentity.accountid') }},
            'unknown'
        ) as recipient_account_id,

        ---------- the event
        {{ iso_timestamp('eventtime') }} as event_at,
        {{ raw_field('eventname') }} as event_name,
        {{ raw_field('eventsource') }} as event_source,
        {{ raw_field('eventtype') }} as event_type,
        {{ raw_field('eventcategory') }} as event_category,
        {{ raw_field('eventversion') }} as event_version,
        {{ raw_field('awsregion') }} as aws_region,
        {{ raw_field('sourceipaddress') }} as source_ip_address,
        {{ raw_field('useragent') }} as user_agent,
        {{ raw_field('errorcode') }} as error_code,
        {{ raw_field('errormessage') }} as error_message,
        {{ text_boolean(raw_field('readonly')) }} as is_read_only,
        {{ text_boolean(raw_field('managementevent')) }} as is_management_event,
        {{ raw_field('requestid') }} as request_id,
        {{ raw_field('sharedeventid') }} as shared_event_id,
        {{ raw_field('apiversion') }} as api_version,

        ---------- who
        {{ raw_field('useridentity.type') }} as identity_type,
        {{ raw_field('useridentity.principalid') }} as principal_id,
        {{ raw_field('useridentity.arn') }} as identity_arn,
        {{ raw_field('useridentity.accountid') }} as identity_account_id,
        {{ raw_field('useridentity.accesskeyid') }} as access_key_id,
        {{ raw_field('useridentity.username') }} as user_name,
        {{ raw_field('useridentity.invokedby') }} as invoked_by,
        {{ raw_field('useridentity.identityprovider') }} as identity_provider,
        {{ raw_field('useridentity.credentialid') }} as credential_id,
        {{ raw_field('useridentity.onbehalfof.userid') }}
            as on_behalf_of_user_id,
        {{ raw_field('useridentity.onbehalfof.identitystorearn') }}
            as identity_store_arn,
        {{ raw_field('useridentity.inscopeof.sourcearn') }}
            as in_scope_of_source_arn,
        {{ raw_field('useridentity.inscopeof.sourceaccount') }}
            as in_scope_of_source_account_id,
        {{ raw_field('useridentity.inscopeof.issuertype') }}
            as in_scope_of_issuer_type,
        {{ raw_field('useridentity.inscopeof.credentialsissuedto') }}
            as in_scope_of_credentials_issued_to,

        ---------- their session
        {{ iso_timestamp(
            'useridentity.sessioncontext.attributes.creationdate'
        ) }} as session_created_at,
        {{ text_boolean(raw_field(
            'useridentity.sessioncontext.attributes.mfaauthenticated'
        )) }} as is_session_mfa_authenticated,
        {{ raw_field('useridentity.sessioncontext.sessionissuer.type') }}
            as session_issuer_type,
        {{ raw_field('useridentity.sessioncontext.sessionissuer.arn') }}
            as session_issuer_arn,
        {{ raw_field('useridentity.sessioncontext.sessionissuer.accountid') }}
            as session_issuer_account_id,
        {{ raw_field('useridentity.sessioncontext.sessionissuer.username') }}
            as session_issuer_user_name,
        {{ raw_field('useridentity.sessioncontext.sessionissuer.principalid') }}
            as session_issuer_principal_id,
        {{ raw_field('useridentity.sessioncontext.sourceidentity') }}
            as source_identity,
        {{ raw_field('useridentity.sessioncontext.ec2roledelivery') }}
            as ec2_role_delivery,
        {{ raw_field(
            'useridentity.sessioncontext.webidfederationdata.federatedprovider'
        ) }} as federated_provider,
        {{ text_boolean(raw_field(
            'useridentity.sessioncontext.assumedroot'
        )) }} as is_assumed_root,
        {{ raw_field('useridentity.sessioncontext.signinsessionarn') }}
            as sign_in_session_arn,
        {{ text_boolean(raw_field('sessioncredentialfromconsole')) }}
            as is_console_credential,

        ---------- the way it came
        {{ raw_field('vpcendpointid') }} as vpc_endpoint_id,
        {{ raw_field('vpcendpointaccountid') }} as vpc_endpoint_account_id,
        {{ raw_field('tlsdetails.tlsversion') }} as tls_version,
        {{ raw_field('tlsdetails.ciphersuite') }} as tls_cipher_suite,
        {{ raw_field('tlsdetails.clientprovidedhostheader') }}
            as tls_host_header,

        ---------- corrections of an earlier record
        {{ raw_field('addendum.reason') }} as addendum_reason,
        {{ raw_field('addendum.updatedfields') }} as addendum_updated_fields,
        {{ raw_field('addendum.originalrequestid') }} as original_request_id,
        {{ raw_field('addendum.originaleventid') }} as original_event_id,

        ---------- JSON text, without secrets
        {{ redacted_json(raw_field('requestparameters')) }}
            as request_parameters,
        {{ redacted_json(raw_field('responseelements')) }}
            as response_elements,
        {{ redacted_json(raw_field('additionaleventdata')) }}
            as additional_event_data,
        {{ redacted_json(raw_field('serviceeventdetails')) }}
            as service_event_details,
        {{ raw_field('edgedevicedetails') }} as edge_device_details,
        {{ resources_json('resources') }} as resources,

        ---------- where it was found
        {{ log_file() }} as log_file,
        {{ log_file_account() }} as log_file_account_id,
        {{ log_file_region() }} as log_file_region,
        {{ log_file_delivered_date() }} as delivered_date,
        {{ load_id() }} as load_id,
        {{ loaded_at() }} as loaded_at

    from records

),

identified as (

    select
        *,
        -- A record that has no valid time is counted, and goes no further.
        event_at is null as is_rejected,
        coalesce(
            logged_event_id,
            {{ text_sha256(key_text([
                iso_text('event_at'),
                'recipient_account_id',
                'event_source',
                'event_name',
                'aws_region',
                'source_ip_address',
                'user_agent',
                'error_code',
                'error_message',
                'request_id',
                'shared_event_id',
                'identity_type',
                'principal_id',
                'identity_arn',
                'access_key_id',
                'user_name',
            ])) }}
        ) as event_id,
        case
            when event_source = 'signin.amazonaws.com'
                then {{ json_text('additional_event_data', 'SwitchFrom') }}
        end as switch_from_arn,
        case
            when event_source = 'signin.amazonaws.com'
                then {{ json_text('additional_event_data', 'SwitchTo') }}
        end as switch_to_arn
    from typed

)

select * from identified
