{#- The columns of the key of session_actions. -#}
{% macro session_action_key() -%}
    {{ return([
        'load_id', 'principal_id', 'session_created_at', 'access_key_id', 'event_source',
        'event_name', 'aws_region', 'source_ip_address'
    ]) }}
{%- endmacro %}

{#- The columns of what they tell of their session. -#}
{% macro session_action_facts() -%}
    {{ return([
        'identity_arn', 'role_arn', 'is_mfa_authenticated', 'source_identity', 'ec2_role_delivery',
        'on_behalf_of_user_id', 'in_scope_of_source_arn', 'in_scope_of_source_account_id',
        'in_scope_of_issuer_type', 'in_scope_of_credentials_issued_to', 'sign_in_session_arn',
        'invoked_by_delegate_account_id', 'access_key_ids', 'first_access_key_id',
        'last_access_key_id'
    ]) }}
{%- endmacro %}
