{#- RULES 10, tolerance: of two records of one key, relations with the columns of events, the names of
    the fields with different values as text, '' where there is none, which JSON texts aside. What one
    of them lacks is no difference. -#}
{% macro differing_fields(one, other) -%}
    {%- set texts = [] -%}
    {%- for field in compared_fields() -%}
        {%- do texts.append(
            'case when ' ~ one ~ '.' ~ field ~ ' <> ' ~ other ~ '.' ~ field ~ " then '" ~ field
            ~ "' end"
        ) -%}
    {%- endfor -%}
    {{ joined_texts(texts, "', '") }}
{%- endmacro %}

{#- Whether two records are alike in all that is kept of them. -#}
{% macro is_kept_alike(one, other) -%}
    (
        {%- for field in compared_fields() + json_fields() %}
        ({{ one }}.{{ field }} is not distinct from {{ other }}.{{ field }})
        {%- if not loop.last %} and {% endif -%}
        {%- endfor %}
    )
{%- endmacro %}

{% macro compared_fields() -%}
    {{ return([
        'event_at', 'event_name', 'event_source', 'event_type', 'event_category', 'event_version',
        'aws_region', 'source_ip_address', 'user_agent', 'error_code', 'error_message',
        'is_read_only', 'is_management_event', 'request_id', 'shared_event_id', 'api_version',
        'identity_type', 'principal_id', 'identity_arn', 'identity_account_id', 'access_key_id',
        'user_name', 'invoked_by', 'invoked_by_delegate_account_id', 'identity_provider',
        'credential_id', 'on_behalf_of_user_id', 'identity_store_arn', 'in_scope_of_source_arn',
        'in_scope_of_source_account_id', 'in_scope_of_issuer_type',
        'in_scope_of_credentials_issued_to', 'session_created_at',
        'is_session_mfa_authenticated', 'session_issuer_type', 'session_issuer_arn',
        'session_issuer_account_id', 'session_issuer_user_name', 'session_issuer_principal_id',
        'source_identity', 'ec2_role_delivery', 'federated_provider', 'is_assumed_root',
        'sign_in_session_arn', 'is_console_credential', 'vpc_endpoint_id',
        'vpc_endpoint_account_id', 'tls_version', 'tls_cipher_suite', 'tls_host_header',
        'addendum_reason', 'addendum_updated_fields', 'original_request_id', 'original_event_id'
    ]) }}
{%- endmacro %}

{% macro json_fields() -%}
    {{ return([
        'request_parameters', 'response_elements', 'additional_event_data',
        'service_event_details', 'edge_device_details', 'resources'
    ]) }}
{%- endmacro %}
