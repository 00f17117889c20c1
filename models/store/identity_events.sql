with

events as (

    select * from {{ ref('events') }}
    where {{ unprocessed_loads() }}

),

-- Sign-ins and switches, role assumptions, and ways into Identity Center.
about_identity as (

    select * from events
    where
        event_source = 'signin.amazonaws.com'
        or (
            event_source = 'sts.amazonaws.com'
            and event_name in (
                'AssumeRole',
                'AssumeRoleWithSAML',
                'AssumeRoleWithWebIdentity',
                'AssumeRoot'
            )
        )
        or (
            event_source = 'sso.amazonaws.com'
            and event_name in ('Authenticate', 'Federate', 'GetRoleCredentials')
        )

),

typed as (

    select
        ---------- key
        event_id,
        recipient_account_id,

        ---------- the event
        event_at,
        event_name,
        event_source,
        event_type,
        aws_region,
        source_ip_address,
        user_agent,
        error_code,
        error_message,
        request_id,
        shared_event_id,

        ---------- who
        identity_type,
        principal_id,
        identity_arn,
        identity_account_id,
        access_key_id,
        user_name,
        invoked_by,
        identity_provider,
        credential_id,
        on_behalf_of_user_id,
        in_scope_of_issuer_type,

        ---------- their session
        session_created_at,
        is_session_mfa_authenticated,
        session_issuer_arn,
        source_identity,
        ec2_role_delivery,
        sign_in_session_arn,

        ---------- sign-in events
        {{ sign_in_outcome() }} as sign_in_outcome,
        {{ json_text('additional_event_data', 'SwitchFrom') }}
            as switch_from_arn,
        {{ json_text('additional_event_data', 'SwitchTo') }} as switch_to_arn,
        {{ json_text('additional_event_data', 'RenewedBy') }} as renewed_by_arn,
        {{ json_text('additional_event_data', 'RoleRenewed') }}
            as role_renewed_arn,
        {{ json_text('additional_event_data', 'MFAUsed') }} as mfa_used,
        {{ json_text('additional_event_data', 'MFAIdentifier') }}
            as mfa_identifier,
        coalesce(
            {{ json_text('additional_event_data', 'MfaType') }},
            {{ json_text('additional_event_data', 'CredentialType') }}
        ) as credential_type,
        {{ json_text('additional_event_data', 'AuthWorkflowID') }}
            as auth_workflow_id,
        {{ json_text('additional_event_data', 'UserName') }}
            as sign_in_user_name,

        ---------- ways from Identity Center into an account
        {{ json_text('service_event_details', 'account_id') }}
            as federated_to_account_id,
        {{ json_text('service_event_details', 'role_name') }}
            as permission_set_name,

        ---------- role assumptions
        {{ json_text('request_parameters', 'roleArn') }} as requested_role_arn,
        {{ json_text('request_parameters', 'roleSessionName') }}
            as requested_session_name,
        {{ json_text('request_parameters', 'sourceIdentity') }}
            as requested_source_identity,
        {{ json_text('request_parameters', 'serialNumber') }}
            as requested_mfa_serial,
        {{ json_text('request_parameters', 'targetPrincipal') }}
            as requested_root_account,
        {{ json_text('request_parameters', 'principalArn') }}
            as requested_provider_arn,
        {{ json_text('response_elements', 'assumedRoleUser.assumedRoleId') }}
            as assumed_role_id,
        {{ json_text('response_elements', 'assumedRoleUser.arn') }}
            as assumed_role_arn,
        {{ json_text('response_elements', 'credentials.accessKeyId') }}
            as issued_access_key_id,
        {{ store_timestamp(sts_expiration(
            json_text('response_elements', 'credentials.expiration')
        )) }} as credentials_expire_at,
        {{ json_text('response_elements', 'sourceIdentity') }}
            as granted_source_identity,
        {{ json_text('response_elements', 'subject') }} as saml_subject,
        {{ json_text('response_elements', 'subjectFromWebIdentityToken') }}
            as web_identity_subject,
        {{ json_text('response_elements', 'provider') }}
            as web_identity_provider,

        ---------- where it was found
        delivered_date,
        load_id,
        loaded_at

    from about_identity

),

flagged as (

    select
        *,
        case
            when event_source = 'sts.amazonaws.com'
                then {{ is_service_assumption() }}
            else false
        end as is_service_assumption
    from typed

)

select * from flagged
