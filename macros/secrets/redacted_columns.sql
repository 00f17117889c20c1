{#- The columns of text that others choose, which lose their secrets before anything is stored. -#}
{% macro redacted_columns() -%}
    {{ return([
        'event_name', 'event_source', 'event_type', 'event_category', 'event_version', 'aws_region',
        'source_ip_address', 'error_code', 'api_version',
        'identity_type', 'principal_id', 'identity_arn', 'identity_account_id', 'access_key_id',
        'user_name', 'invoked_by', 'invoked_by_delegate_account_id', 'identity_provider',
        'credential_id', 'on_behalf_of_user_id', 'identity_store_arn', 'in_scope_of_source_arn',
        'in_scope_of_source_account_id', 'in_scope_of_issuer_type',
        'in_scope_of_credentials_issued_to', 'session_issuer_type', 'session_issuer_arn',
        'session_issuer_account_id', 'session_issuer_user_name', 'session_issuer_principal_id',
        'source_identity', 'ec2_role_delivery', 'federated_provider', 'sign_in_session_arn',
        'vpc_endpoint_id', 'vpc_endpoint_account_id', 'tls_version', 'tls_cipher_suite',
        'tls_host_header', 'addendum_reason', 'addendum_updated_fields', 'switch_from_arn',
        'switch_to_arn',
    ]) }}
{%- endmacro %}

{#- Those that often have a hint of a secret, which are looked at apart. -#}
{% macro redacted_json_columns() -%}
    {{ return([
        'user_agent', 'error_message', 'request_parameters', 'response_elements',
        'additional_event_data', 'service_event_details', 'edge_device_details', 'resources',
    ]) }}
{%- endmacro %}

{#- The columns of ids, which have to stay apart from each other: one with a secret in it becomes its
    digest. -#}
{% macro digested_columns() -%}
    {{ return([
        'event_id', 'recipient_account_id', 'request_id', 'shared_event_id', 'original_request_id',
        'original_event_id', 'logged_event_id',
    ]) }}
{%- endmacro %}

{#- Several text expressions as a list without their secrets: one expression for all, as Athena takes
    no statement above 256 KB; null where no text has a hint of one, in those of `looked_at` either. -#}
{% macro redacted_texts(texts, looked_at=[]) -%}
    case
        when {{ has_secret_hint(joined_texts(texts + looked_at, 'chr(31)')) }}
            then {{ redacted_list(texts) }}
    end
{%- endmacro %}

{#- The same, whether there is a hint or not. -#}
{% macro redacted_list(texts) -%}
    {{ return(adapter.dispatch('redacted_list')(texts)) }}
{%- endmacro %}

{#- DuckDB compiles the patterns of a lambda for each chunk of rows, and those of an expression once: a
    few texts have an expression each, which for many would be megabytes of SQL. -#}
{% macro duckdb__redacted_list(texts) -%}
    {%- if texts | length > 10 -%}
        list_transform([{{ texts | join(', ') }}], lambda logged: {{ redacted_text('logged') }})
    {%- else -%}
        [{% for text in texts %}{{ redacted_text(text) }}{{ ', ' if not loop.last }}{% endfor %}]
    {%- endif -%}
{%- endmacro %}

{% macro athena__redacted_list(texts) -%}
    transform(array[{{ texts | join(', ') }}], logged -> {{ redacted_text('logged') }})
{%- endmacro %}

{#- An id, or its digest where it has a secret in it. -#}
{% macro digested_secret(text) -%}
    case when {{ has_secret_hint(text) }} then {{ text_sha256(text) }} else {{ text }} end
{%- endmacro %}

{#- A header `Host` has no user: what stands before `@` is none of the host. -#}
{% macro redacted_host(text) -%}
    regexp_replace({{ text }}, '(?s)^.*@', 'REDACTED@')
{%- endmacro %}
