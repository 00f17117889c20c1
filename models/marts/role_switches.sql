with

console_switches as (

    select * from {{ ref('console_switches') }}

),

switch_assumptions as (

    select * from {{ ref('switch_assumptions') }}

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}

),

switch_sign_ins as (

    select * from {{ ref('switch_sign_ins') }}

),

evidence as (

    select
        console_switches.*,
        role_assumptions.role_assumption_id,
        role_assumptions.role_arn as assumed_role_arn,
        role_assumptions.role_session_name as assumed_session_name,
        role_assumptions.principal_id as assumed_principal_id,
        role_assumptions.assumed_at,
        role_assumptions.source_identity,
        {{ assumption_mfa('role_assumptions') }} as assumption_mfa,
        switch_sign_ins.mfa as sign_in_mfa,
        {{ principal_kind('console_switches.source_arn') }} as source_kind,
        {{ principal_name('console_switches.source_arn') }} as source_name
    from console_switches
    left join switch_assumptions
        on console_switches.switch_key = switch_assumptions.switch_key
    left join role_assumptions
        on switch_assumptions.assumption_key = role_assumptions.assumption_key
    left join switch_sign_ins
        on console_switches.switch_key = switch_sign_ins.switch_key

),

-- Whoever switched from a role is behind its session, not named by its ARN.
with_actor as (

    select
        *,
        case
            when source_kind in ('iam user', 'root') then source_arn
        end as actor_arn,
        coalesce(source_identity, source_name) as actor_name,
        case
            when source_kind = 'role session' then 'unknown'
            else coalesce(source_kind, 'unknown')
        end as actor_type,
        case
            when source_identity is not null then 'source identity'
            when source_kind = 'iam user' then 'switch from user'
            when source_kind = 'root' then 'root'
            when source_kind = 'identity center user'
                then 'identity center user'
            when source_name is not null then 'session name'
        end as actor_method,
        case
            when source_identity is not null then 'certain'
            when source_kind in ('iam user', 'root', 'federated user')
                then 'certain'
            when source_kind = 'identity center user' then 'likely'
            when source_name is not null then 'guess'
        end as actor_confidence
    from evidence

),

with_mfa as (

    select
        *,
        case
            when source_kind in ('identity center user', 'federated user')
                then 'not asserted'
            when source_kind = 'role session' then 'unknown'
            when assumption_mfa is not null then assumption_mfa
            when sign_in_mfa in ('yes', 'no') then sign_in_mfa
            else 'unknown'
        end as mfa
    from with_actor

),

switches as (

    select
        role_switch_id,
        {{ mart_timestamp('switched_at') }} as switched_at,
        outcome,
        error_message,
        seen_in,

        ---------- the role
        role_account_id,
        role_name,
        coalesce(
            role_arn_with_path,
            assumed_role_arn,
            'arn:' || role_partition || ':iam::' || role_account_id
            || ':role/' || role_name
        ) as role_arn,
        coalesce(role_session_name, assumed_session_name) as role_session_name,

        ---------- who switched, as logged
        source_account_id,
        source_arn,
        source_name,

        ---------- who is behind it
        actor_arn,
        actor_name,
        actor_type,
        actor_method,
        actor_confidence,

        ---------- from where
        source_ip_address,
        user_agent,
        aws_region,

        ---------- MFA
        mfa,
        case
            when mfa not in ('yes', 'no') then null
            when assumption_mfa is not null then 'assume role'
            else 'console sign-in'
        end as mfa_evidence,

        ---------- the session that came of it
        case
            when outcome = 'success' and role_principal_id is not null
                then role_principal_id || '@' || {{ iso_text('switched_at') }}
            when assumed_principal_id is not null
                then assumed_principal_id || '@' || {{ iso_text('assumed_at') }}
        end as session_id,

        ---------- the records
        role_event_id,
        source_event_id,
        role_assumption_id as assume_role_event_id

    from with_mfa

)

select * from switches
