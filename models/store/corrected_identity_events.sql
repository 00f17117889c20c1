with

identity_events as (

    select * from {{ ref('identity_events') }}

),

replaced_events as (

    select * from {{ ref('replaced_events') }}

),

corrected as (

    select
        identity_events.event_id,
        identity_events.recipient_account_id,
        identity_events.event_at,
        identity_events.event_name,
        identity_events.event_source,
        identity_events.event_type,
        identity_events.aws_region,
        identity_events.source_ip_address,
        identity_events.user_agent,
        identity_events.error_code,
        identity_events.error_message,
        identity_events.request_id,
        identity_events.shared_event_id,
        identity_events.identity_type,
        identity_events.principal_id,
        identity_events.identity_arn,
        identity_events.identity_account_id,
        identity_events.access_key_id,
        identity_events.user_name,
        identity_events.invoked_by,
        identity_events.invoked_by_delegate_account_id,
        identity_events.identity_provider,
        identity_events.credential_id,
        identity_events.on_behalf_of_user_id,
        identity_events.identity_store_arn,
        identity_events.in_scope_of_source_arn,
        identity_events.in_scope_of_source_account_id,
        identity_events.in_scope_of_issuer_type,
        identity_events.in_scope_of_credentials_issued_to,
        identity_events.session_created_at,
        identity_events.is_session_mfa_authenticated,
        identity_events.session_issuer_type,
        identity_events.session_issuer_arn,
        identity_events.session_issuer_account_id,
        identity_events.session_issuer_user_name,
        identity_events.session_issuer_principal_id,
        identity_events.source_identity,
        identity_events.ec2_role_delivery,
        identity_events.is_assumed_root,
        identity_events.sign_in_session_arn,
        identity_events.sign_in_outcome,
        identity_events.switch_from_arn,
        identity_events.switch_to_arn,
        identity_events.renewed_by_arn,
        identity_events.role_renewed_arn,
        identity_events.mfa_used,
        identity_events.mfa_identifier,
        identity_events.credential_type,
        identity_events.auth_workflow_id,
        identity_events.sign_in_user_name,
        identity_events.federated_to_account_id,
        identity_events.permission_set_name,
        identity_events.requested_role_arn,
        identity_events.requested_session_name,
        identity_events.requested_source_identity,
        identity_events.requested_mfa_serial,
        identity_events.requested_root_account,
        identity_events.requested_root_policy_arn,
        identity_events.requested_provider_arn,
        identity_events.assumed_role_id,
        identity_events.assumed_role_arn,
        identity_events.issued_access_key_id,
        identity_events.credentials_expire_at,
        identity_events.granted_source_identity,
        identity_events.saml_subject,
        identity_events.saml_subject_type,
        identity_events.web_identity_subject,
        identity_events.web_identity_provider,
        identity_events.delivered_date,
        identity_events.load_id,
        identity_events.loaded_at,
        identity_events.is_service_assumption
    from identity_events
    left join replaced_events
        on
            identity_events.event_id = replaced_events.event_id
            and identity_events.recipient_account_id
            = replaced_events.recipient_account_id
    where replaced_events.event_id is null

)

select * from corrected
