with

events as (

    select * from {{ ref('events') }}
    where {{ unprocessed_loads() }}

),

-- Of sign-in events none is an action, should one carry a creation time.
actions_of_role_sessions as (

    select * from events
    where
        session_created_at is not null
        and principal_id is not null
        and {{ is_role_session('identity_type', 'principal_id') }}
        and coalesce(event_source, '') <> 'signin.amazonaws.com'

),

-- No part of the key is null: what is not logged is '' in it.
counted as (

    select
        ---------- key
        load_id,
        principal_id,
        session_created_at,
        coalesce(event_source, '') as event_source,
        coalesce(event_name, '') as event_name,
        coalesce(aws_region, '') as aws_region,
        coalesce(source_ip_address, '') as source_ip_address,

        ---------- the actions
        count(*) as action_count,
        count(case when not is_read_only then 1 end) as write_count,
        count(case when {{ is_denied('error_code') }} then 1 end)
            as denied_count,
        min(event_at) as first_action_at,
        max(event_at) as last_action_at,

        ---------- what they tell of the session
        max(identity_arn) as identity_arn,
        max(session_issuer_arn) as role_arn,
        bool_or(is_session_mfa_authenticated) as is_mfa_authenticated,
        max(source_identity) as source_identity,
        max(ec2_role_delivery) as ec2_role_delivery,
        max(on_behalf_of_user_id) as on_behalf_of_user_id,
        min(access_key_id) as first_access_key_id,
        max(access_key_id) as last_access_key_id,

        ---------- when it was loaded
        max(loaded_at) as loaded_at

    from actions_of_role_sessions
    group by 1, 2, 3, 4, 5, 6, 7

)

select * from counted
