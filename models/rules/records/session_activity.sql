with

session_actions as (select * from {{ ref('corrected_session_actions') }}),

actions as (
    select
        *,
        date_trunc('second', session_created_at) as created_at,
        access_key_id <> ''
        or coalesce({{ arn_resource('identity_arn') }} = 'root', false)
            as is_assumed_root,
        case
            when {{ is_ip_address('source_ip_address') }} then source_ip_address
        end as ip_address
    from session_actions
),

activity as (
    select
        ---------- key
        case
            when is_assumed_root
                then {{ root_session_id(
                    'principal_id', 'created_at', 'access_key_id'
                ) }}
            else principal_id || '@' || {{ iso_text('created_at') }}
        end as session_id,
        principal_id,
        {{ mart_timestamp('created_at') }} as session_created_at,
        is_assumed_root,
        nullif(access_key_id, '') as access_key_id,

        ---------- the actions
        cast(sum(action_count) as bigint) as action_count,
        cast(sum(write_count) as bigint) as write_count,
        cast(sum(denied_count) as bigint) as denied_count,
        {{ mart_timestamp('min(first_action_at)') }} as first_action_at,
        {{ mart_timestamp('max(last_action_at)') }} as last_action_at,
        count(distinct ip_address) as source_ip_count,
        min_by(
            ip_address,
            case
                when ip_address is not null
                    then row(first_action_at, ip_address)
            end
        ) as first_ip_address,
        {{ mart_timestamp(
            'min(case when ip_address is not null then first_action_at end)'
        ) }} as first_ip_action_at,

        ---------- what they tell of the session
        max(identity_arn) as identity_arn,
        max(role_arn) as role_arn,
        bool_or(is_mfa_authenticated) as is_mfa_authenticated,
        max(source_identity) as source_identity,
        max(on_behalf_of_user_id) as on_behalf_of_user_id,
        coalesce(
            max(ec2_role_delivery) is not null
            or max(in_scope_of_source_arn) is not null
            or max(in_scope_of_issuer_type) is not null
            or {{ arn_resource('max(role_arn)') }}
            like 'role/aws-service-role/%',
            false
        ) as is_service_session

    from actions
    group by principal_id, created_at, access_key_id, is_assumed_root
)

select * from activity
