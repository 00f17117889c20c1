-- RULES 2: each assumption of a role once, of both accounts' copies.
{%- set of_either_copy = [
    'assumption_key', 'assumed_at', 'event_name', 'outcome', 'error_code',
    'error_message', 'role_arn', 'root_account_id', 'requested_session_name',
    'principal_id', 'assumed_role_arn', 'issued_access_key_id',
    'credentials_expire_at', 'caller_type', 'caller_principal_id',
    'caller_account_id', 'mfa_serial', 'invoked_by', 'source_ip_address',
    'user_agent', 'aws_region', 'shared_event_id',
] %}
{%- set of_caller_copy = [
    'caller_arn', 'caller_user_name', 'caller_issuer_arn',
    'caller_access_key_id', 'caller_session_created_at',
    'is_caller_assumed_root', 'is_caller_mfa_authenticated',
    'identity_provider', 'saml_subject', 'saml_subject_type',
    'web_identity_subject', 'web_identity_provider',
] %}
with

copies as (select * from {{ ref('assumption_copies') }}),

caller_copies as (
    select * from copies
    where copy_of = 'caller account'
),

role_copies as (
    select * from copies
    where copy_of = 'role account'
),

folded as (
    select
        {%- for column in of_either_copy %}
            coalesce(caller_copies.{{ column }}, role_copies.{{ column }})
                as {{ column }},
        {%- endfor %}
        {%- for column in of_caller_copy %}
            caller_copies.{{ column }},
        {%- endfor %}
        coalesce(
            caller_copies.passed_source_identity,
            caller_copies.caller_source_identity,
            role_copies.passed_source_identity
        ) as source_identity,
        case
            when role_copies.event_id is null then 'caller account'
            when caller_copies.event_id is null then 'role account'
            else 'both accounts'
        end as seen_in,
        coalesce(caller_copies.event_id, role_copies.event_id)
            as role_assumption_id,
        caller_copies.event_id as caller_event_id,
        role_copies.event_id as role_event_id
    from caller_copies
    full outer join role_copies
        on caller_copies.assumption_key = role_copies.assumption_key
),

named as (
    select
        assumption_key,
        role_assumption_id,
        assumed_at,
        event_name,
        seen_in,
        outcome,
        error_code,
        error_message,
        coalesce(
            root_account_id,
            {{ arn_account('role_arn') }},
            {{ arn_account('assumed_role_arn') }}
        ) as role_account_id,
        case
            when root_account_id is not null then 'root'
            else
                coalesce(
                    {{ arn_name('role_arn') }},
                    {{ assumed_role_part('assumed_role_arn', 'role') }}
                )
        end as role_name,
        role_arn,
        coalesce(
            requested_session_name,
            {{ assumed_role_part('assumed_role_arn', 'session') }}
        ) as role_session_name,
        principal_id,
        assumed_role_arn,
        issued_access_key_id,
        credentials_expire_at,
        caller_type,
        caller_principal_id,
        caller_arn,
        {{ account_id('caller_account_id') }} as caller_account_id,
        caller_user_name,
        caller_issuer_arn,
        caller_access_key_id,
        caller_session_created_at,
        is_caller_assumed_root,
        is_caller_mfa_authenticated,
        mfa_serial,
        invoked_by,
        identity_provider,
        source_identity,
        saml_subject,
        saml_subject_type,
        web_identity_subject,
        web_identity_provider,
        {{ is_console_assumption('invoked_by') }} as is_by_console,
        {{ start_method_of_assumption() }} as start_method,
        source_ip_address,
        user_agent,
        aws_region,
        caller_event_id,
        role_event_id,
        shared_event_id
    from folded
),

flagged as (
    select
        *,
        -- Of pods' sessions, those that a service asked for are a service's.
        start_method = 'service'
        or (
            start_method = 'pod identity'
            and coalesce(caller_type = 'AWSService', false)
        ) as is_service_assumption
    from named
)

select * from flagged
