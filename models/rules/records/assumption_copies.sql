-- RULES 2: each record of an assumption, with the role that was asked for.
{% set alike -%}
    partition by
        shared_key,
        event_at,
        event_source,
        event_name,
        error_code,
        error_message,
        role_arn,
        requested_session_name,
        session_principal_id,
        assumed_role_arn,
        issued_access_key_id,
        credentials_expire_at,
        principal_id,
        identity_account_id
{%- endset %}
with

identity_events as (select * from {{ ref('corrected_identity_events') }}),

requests as (
    select
        *,
        case
            when error_code is null and error_message is null then 'success'
            else 'failure'
        end as outcome,
        -- A refused request is logged without its parameters.
        nullif(
            regexp_extract(
                error_message,
                'on resource: (arn:[^ ]+:(?:role/[^ ]+|root))',
                1
            ),
            ''
        ) as refused_arn
    from identity_events
    where
        event_source in (
            'sts.amazonaws.com',
            'rolesanywhere.amazonaws.com',
            'eks-auth.amazonaws.com'
        )
),

-- AssumeRoot names an account, or its root user, where the others name a role.
with_target as (
    select
        *,
        case
            when event_name = 'AssumeRoot' then cast(null as varchar)
            else coalesce(requested_role_arn, refused_arn)
        end as requested_arn,
        case
            when event_name = 'AssumeRoot'
                then coalesce(
                    {{ arn_account('requested_root_account') }},
                    {{ account_id('requested_root_account') }},
                    {{ arn_account('refused_arn') }}
                )
        end as root_account_id
    from requests
),

with_role as (
    select
        *,
        coalesce(
            requested_arn,
            'arn:'
            || coalesce(nullif(split_part(identity_arn, ':', 2), ''), 'aws')
            || ':iam::' || root_account_id || ':root'
        ) as role_arn,
        case
            when root_account_id is null
                then {{ named_principal_id(
                    'assumed_role_id', 'assumed_role_arn'
                ) }}
            when outcome = 'success' then root_account_id
        end as session_principal_id
    from with_target
),

copies as (
    select
        *,
        -- The role's account sees only the account of a caller from elsewhere.
        case
            when identity_type = 'AWSAccount' then 'role account'
            else 'caller account'
        end as copy_of,
        -- Differs from any shared key, since each of those has a slash.
        event_id || '@' || recipient_account_id as copy_id,
        coalesce(
            shared_event_id || '/' || cast(cast(event_at as date) as varchar),
            event_id || '/' || recipient_account_id
        ) as shared_key
    from with_role
),

-- Two copies of one request agree about the request and the caller. A record
-- that contradicts them under their id, or repeats one of them, is a request of
-- its own.
compared_copies as (
    select
        *,
        count(*) over (partition by shared_key) as shared_count,
        min(copy_id) over ({{ alike }}) as first_copy_id,
        count(*) over ({{ alike }}) = 2
        and min(copy_of) over ({{ alike }})
        <> max(copy_of) over ({{ alike }}) as is_pair
    from copies
),

keyed_copies as (
    select
        case
            when shared_count = 1 or (shared_count = 2 and is_pair)
                then shared_key
            when is_pair then first_copy_id
            else copy_id
        end as assumption_key,
        copy_of,
        event_id,
        {{ mart_timestamp('event_at') }} as assumed_at,
        event_name,
        outcome,
        error_code,
        error_message,

        ---------- the role
        role_arn,
        root_account_id,
        requested_session_name,
        session_principal_id as principal_id,
        assumed_role_arn,
        issued_access_key_id,
        {{ mart_timestamp('credentials_expire_at') }} as credentials_expire_at,

        ---------- the caller
        identity_type as caller_type,
        principal_id as caller_principal_id,
        identity_arn as caller_arn,
        identity_account_id as caller_account_id,
        user_name as caller_user_name,
        session_issuer_arn as caller_issuer_arn,
        access_key_id as caller_access_key_id,
        {{ mart_timestamp('session_created_at') }} as caller_session_created_at,
        -- The call of AssumeRoot itself has this flag too.
        is_assumed_root
        and event_name <> 'AssumeRoot' as is_caller_assumed_root,
        is_session_mfa_authenticated as is_caller_mfa_authenticated,
        requested_mfa_serial as mfa_serial,
        invoked_by,
        identity_provider,
        coalesce(requested_source_identity, granted_source_identity)
            as passed_source_identity,
        source_identity as caller_source_identity,
        saml_subject,
        saml_subject_type,
        web_identity_subject,
        web_identity_provider,

        ---------- from where
        source_ip_address,
        user_agent,
        aws_region,
        shared_event_id

    from compared_copies
)

select * from keyed_copies
