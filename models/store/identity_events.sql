{%- set identity_columns = [
    'identity_arn', 'identity_account_id', 'access_key_id', 'user_name',
    'invoked_by', 'invoked_by_delegate_account_id', 'identity_provider',
    'credential_id', 'on_behalf_of_user_id', 'identity_store_arn',
    'in_scope_of_source_arn', 'in_scope_of_source_account_id',
    'in_scope_of_issuer_type', 'in_scope_of_credentials_issued_to',
    'session_created_at', 'is_session_mfa_authenticated', 'session_issuer_type',
    'session_issuer_arn', 'session_issuer_account_id',
    'session_issuer_user_name', 'session_issuer_principal_id',
    'source_identity', 'ec2_role_delivery', 'is_assumed_root',
    'sign_in_session_arn',
] -%}
{#- Granted values; Roles Anywhere grants a list with one item. -#}
{%- set granted = {} -%}
{%- for path in [
    'credentials.accessKeyId', 'credentials.expiration', 'assumedRoleUser.arn',
    'assumedRoleUser.assumedRoleId', 'sourceIdentity',
] -%}
    {%- do granted.update({
        path: 'coalesce(' ~ json_text('response_elements', path) ~ ', '
        ~ json_text('response_elements', 'credentialSet[0].' ~ path) ~ ')'
    }) -%}
{%- endfor -%}
with

events as (
    select * from {{ ref('events') }}
    where {{ unprocessed_loads() }}
),

-- Sign-ins and switches, role assumptions, events of Identity Center, and the
-- calls by which outsiders and pods get sessions.
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
        or (
            event_source = 'rolesanywhere.amazonaws.com'
            and event_name = 'CreateSession'
        )
        or (
            event_source = 'eks-auth.amazonaws.com'
            and event_name = 'AssumeRoleForPodIdentity'
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
        {{ named_principal_id('principal_id', 'identity_arn') }}
            as principal_id,
        {%- for column in identity_columns %}
            {{ column }},
        {%- endfor %}
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
        -- AssumeRoot names an account, or the ARN of its root user.
        coalesce(
            {{ arn_account(
                json_text('request_parameters', 'targetPrincipal')
            ) }},
            {{ json_text('request_parameters', 'targetPrincipal') }}
        ) as requested_root_account,
        {{ json_text('request_parameters', 'taskPolicyArn.arn') }}
            as requested_root_policy_arn,
        {{ json_text('request_parameters', 'principalArn') }}
            as requested_provider_arn,
        -- EKS calls it assumeRoleId.
        coalesce(
            {{ granted['assumedRoleUser.assumedRoleId'] }},
            {{ json_text(
                'response_elements', 'assumedRoleUser.assumeRoleId'
            ) }}
        ) as assumed_role_id,
        {{ granted['assumedRoleUser.arn'] }} as assumed_role_arn,
        {{ granted['credentials.accessKeyId'] }} as issued_access_key_id,
        {{ store_timestamp(sts_expiration(
            granted['credentials.expiration']
        )) }} as credentials_expire_at,
        {{ granted['sourceIdentity'] }} as granted_source_identity,
        {{ json_text('response_elements', 'subject') }} as saml_subject,
        {{ json_text('response_elements', 'subjectType') }}
            as saml_subject_type,
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

-- By the record alone, granted or refused: no rule reads it (RULES 9).
flagged as (
    select
        *,
        coalesce(
            event_source in ('sts.amazonaws.com', 'eks-auth.amazonaws.com')
            and (
                identity_type = 'AWSService'
                and coalesce(invoked_by, '') <> 'rolesanywhere.amazonaws.com'
                or {{ arn_resource('requested_role_arn') }}
                like 'role/aws-service-role/%'
            ),
            false
        ) as is_service_assumption
    from typed
)

select * from flagged
