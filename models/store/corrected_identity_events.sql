{%- set columns = [
    'event_id', 'recipient_account_id', 'event_at', 'event_name',
    'event_source', 'event_type', 'aws_region', 'source_ip_address',
    'user_agent', 'error_code', 'error_message', 'request_id',
    'shared_event_id', 'identity_type', 'principal_id', 'identity_arn',
    'identity_account_id', 'access_key_id', 'user_name', 'invoked_by',
    'invoked_by_delegate_account_id', 'identity_provider', 'credential_id',
    'on_behalf_of_user_id', 'identity_store_arn', 'in_scope_of_source_arn',
    'in_scope_of_source_account_id', 'in_scope_of_issuer_type',
    'in_scope_of_credentials_issued_to', 'session_created_at',
    'is_session_mfa_authenticated', 'session_issuer_type',
    'session_issuer_arn', 'session_issuer_account_id',
    'session_issuer_user_name', 'session_issuer_principal_id',
    'source_identity', 'ec2_role_delivery', 'is_assumed_root',
    'sign_in_session_arn', 'sign_in_outcome', 'switch_from_arn',
    'switch_to_arn', 'renewed_by_arn', 'role_renewed_arn', 'mfa_used',
    'mfa_identifier', 'credential_type', 'auth_workflow_id',
    'sign_in_user_name', 'federated_to_account_id', 'permission_set_name',
    'requested_role_arn', 'requested_session_name',
    'requested_source_identity', 'requested_mfa_serial',
    'requested_root_account', 'requested_root_policy_arn',
    'requested_provider_arn', 'assumed_role_id', 'assumed_role_arn',
    'issued_access_key_id', 'credentials_expire_at', 'granted_source_identity',
    'saml_subject', 'saml_subject_type', 'web_identity_subject',
    'web_identity_provider', 'delivered_date', 'load_id', 'loaded_at',
] -%}
with

identity_events as (select * from {{ ref('identity_events') }}),

replaced_events as (select * from {{ ref('replaced_events') }}),

corrected as (
    select
        {%- for column in columns %}
            identity_events.{{ column }},
        {%- endfor %}
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
