{%- set alike -%}
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
{%- endset -%}
with

identity_events as (

    select * from {{ ref('corrected_identity_events') }}

),

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
        -- Of a caller from elsewhere the role's account sees the account.
        case
            when identity_type = 'AWSAccount' then 'role account'
            else 'caller account'
        end as copy_of,
        -- Unlike any shared key: those have a slash.
        event_id || '@' || recipient_account_id as copy_id,
        coalesce(
            shared_event_id || '/' || cast(cast(event_at as date) as varchar),
            event_id || '/' || recipient_account_id
        ) as shared_key
    from with_role

),

-- The two copies of one request say the same of it and of who asked. What says
-- something else under their id, or says it twice, is no copy, and hides none.
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
        *,
        case
            when shared_count = 1 or (shared_count = 2 and is_pair)
                then shared_key
            when is_pair then first_copy_id
            else copy_id
        end as assumption_key
    from compared_copies

),

caller_copies as (

    select * from keyed_copies
    where copy_of = 'caller account'

),

role_copies as (

    select * from keyed_copies
    where copy_of = 'role account'

),

folded as (

    select
        coalesce(caller_copies.assumption_key, role_copies.assumption_key)
            as assumption_key,
        coalesce(caller_copies.event_id, role_copies.event_id)
            as role_assumption_id,
        coalesce(caller_copies.event_at, role_copies.event_at) as assumed_at,
        coalesce(caller_copies.event_name, role_copies.event_name)
            as event_name,
        case
            when role_copies.event_id is null then 'caller account'
            when caller_copies.event_id is null then 'role account'
            else 'both accounts'
        end as seen_in,
        coalesce(caller_copies.outcome, role_copies.outcome) as outcome,
        coalesce(caller_copies.error_code, role_copies.error_code)
            as error_code,
        coalesce(caller_copies.error_message, role_copies.error_message)
            as error_message,

        ---------- the role
        coalesce(caller_copies.role_arn, role_copies.role_arn) as role_arn,
        coalesce(
            caller_copies.requested_session_name,
            role_copies.requested_session_name
        ) as requested_session_name,
        coalesce(
            caller_copies.session_principal_id, role_copies.session_principal_id
        ) as principal_id,
        coalesce(caller_copies.root_account_id, role_copies.root_account_id)
            as root_account_id,
        coalesce(caller_copies.assumed_role_arn, role_copies.assumed_role_arn)
            as assumed_role_arn,
        coalesce(
            caller_copies.issued_access_key_id,
            role_copies.issued_access_key_id
        ) as issued_access_key_id,
        coalesce(
            caller_copies.credentials_expire_at,
            role_copies.credentials_expire_at
        ) as credentials_expire_at,

        ---------- the caller
        coalesce(caller_copies.identity_type, role_copies.identity_type)
            as caller_type,
        coalesce(caller_copies.principal_id, role_copies.principal_id)
            as caller_principal_id,
        caller_copies.identity_arn as caller_arn,
        coalesce(
            caller_copies.identity_account_id,
            role_copies.identity_account_id
        ) as caller_account_id,
        caller_copies.user_name as caller_user_name,
        caller_copies.session_issuer_arn as caller_issuer_arn,
        caller_copies.access_key_id as caller_access_key_id,
        caller_copies.session_created_at as caller_session_created_at,
        -- The call of AssumeRoot itself says that it is one.
        caller_copies.is_assumed_root
        and caller_copies.event_name <> 'AssumeRoot' as is_caller_assumed_root,
        caller_copies.is_session_mfa_authenticated
            as is_caller_mfa_authenticated,
        coalesce(
            caller_copies.requested_mfa_serial,
            role_copies.requested_mfa_serial
        ) as mfa_serial,
        coalesce(caller_copies.invoked_by, role_copies.invoked_by)
            as invoked_by,
        caller_copies.identity_provider,
        coalesce(
            caller_copies.requested_source_identity,
            caller_copies.granted_source_identity,
            caller_copies.source_identity,
            role_copies.requested_source_identity,
            role_copies.granted_source_identity
        ) as source_identity,
        caller_copies.saml_subject,
        caller_copies.saml_subject_type,
        caller_copies.web_identity_subject,
        caller_copies.web_identity_provider,

        ---------- from where
        coalesce(
            caller_copies.source_ip_address, role_copies.source_ip_address
        ) as source_ip_address,
        coalesce(caller_copies.user_agent, role_copies.user_agent)
            as user_agent,
        coalesce(caller_copies.aws_region, role_copies.aws_region)
            as aws_region,

        ---------- the records
        caller_copies.event_id as caller_event_id,
        role_copies.event_id as role_event_id,
        coalesce(caller_copies.shared_event_id, role_copies.shared_event_id)
            as shared_event_id

    from caller_copies
    full outer join role_copies
        on caller_copies.assumption_key = role_copies.assumption_key

),

named as (

    select
        assumption_key,
        role_assumption_id,
        {{ mart_timestamp('assumed_at') }} as assumed_at,
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
        {{ mart_timestamp('credentials_expire_at') }} as credentials_expire_at,
        caller_type,
        caller_principal_id,
        caller_arn,
        {{ account_id('caller_account_id') }} as caller_account_id,
        caller_user_name,
        caller_issuer_arn,
        caller_access_key_id,
        {{ mart_timestamp('caller_session_created_at') }}
            as caller_session_created_at,
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
        start_method = 'console switch' as is_console_switch,
        -- A pod's session is a service's if a service, or a node, asked for it.
        start_method = 'service'
        or (
            start_method = 'pod identity'
            and coalesce(caller_type = 'AWSService', false)
        ) as is_service_assumption
    from named

)

select * from flagged
