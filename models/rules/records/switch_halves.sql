with

switch_events as (
    select * from {{ ref('corrected_identity_events') }}
    where
        event_source = 'signin.amazonaws.com'
        and event_name = 'SwitchRole'
),

sided as (
    select
        *,
        case
            when switch_from_arn is not null then 'role'
            when switch_to_arn is not null then 'source'
            -- Neither is named: a switch leads to an assumed role.
            when identity_type = 'AssumedRole' then 'role'
            else 'source'
        end as half
    from switch_events
),

role_halves as (
    select
        half,
        event_id || '/' || recipient_account_id as half_id,
        event_id,
        recipient_account_id,
        {{ mart_timestamp('event_at') }} as switched_at,
        sign_in_outcome as outcome,
        error_message,
        coalesce(
            {{ arn_account('identity_arn') }}, recipient_account_id
        ) as role_account_id,
        {{ assumed_role_part('identity_arn', 'role') }} as role_name,
        -- The ARN of an assumed role has lost the role's path.
        cast(null as varchar) as role_arn_with_path,
        split_part(identity_arn, ':', 2) as role_partition,
        {{ assumed_role_part('identity_arn', 'session') }} as role_session_name,
        principal_id as role_principal_id,
        switch_from_arn as source_arn,
        cast(null as varchar) as source_principal_id,
        {{ arn_account('switch_from_arn') }} as source_account_id,
        source_ip_address,
        user_agent,
        aws_region
    from sided
    where half = 'role'
),

source_halves as (
    select
        half,
        event_id || '/' || recipient_account_id as half_id,
        event_id,
        recipient_account_id,
        {{ mart_timestamp('event_at') }} as switched_at,
        sign_in_outcome as outcome,
        error_message,
        {{ arn_account('switch_to_arn') }} as role_account_id,
        {{ arn_name('switch_to_arn') }} as role_name,
        switch_to_arn as role_arn_with_path,
        split_part(switch_to_arn, ':', 2) as role_partition,
        cast(null as varchar) as role_session_name,
        cast(null as varchar) as role_principal_id,
        identity_arn as source_arn,
        principal_id as source_principal_id,
        coalesce(
            {{ arn_account('identity_arn') }}, recipient_account_id
        ) as source_account_id,
        source_ip_address,
        user_agent,
        aws_region
    from sided
    where half = 'source'
),

halves as (
    select * from role_halves
    union all
    select * from source_halves
)

select * from halves
