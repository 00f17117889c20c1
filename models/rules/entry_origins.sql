with

-- What is done in a session that two people entered tells of neither.
evidence as (

    select
        *,
        case when not is_contested then activity_mfa end as told_activity_mfa
    from {{ ref('entry_evidence') }}

),

-- The session of a permission set's role is named after its user.
with_portal_user as (

    select
        *,
        case
            when
                origin = 'role session'
                and source_kind in ('role session', 'identity center user')
                then source_arn
            when origin = 'role session' then caller_arn
        end as from_session_arn,
        case
            when origin = 'identity center' then role_session_name
            when
                origin = 'observed'
                and {{ is_identity_center_role('role_name') }}
                then role_session_name
            when
                origin = 'role session'
                and source_kind = 'identity center user'
                then source_name
            when
                origin = 'role session'
                and {{ principal_kind('caller_arn') }} = 'identity center user'
                then {{ principal_name('caller_arn') }}
        end as portal_user_name
    from evidence

),

with_workload as (

    select
        *,
        case
            when origin = 'service' then role_session_name
            when
                origin = 'role session'
                and {{ is_instance_id(
                    principal_session_name('caller_principal_id')
                ) }}
                then {{ principal_session_name('caller_principal_id') }}
        end as service_session_name
    from with_portal_user

),

with_named_actor as (

    select
        *,
        case
            when origin in ('switching user', 'switching root') then source_arn
            when origin in ('calling user', 'calling root') then caller_arn
        end as actor_arn,
        case
            when origin in ('switching user', 'switching root') then source_name
            when origin in ('calling user', 'calling root')
                then coalesce(
                    {{ principal_name('caller_arn') }}, caller_user_name
                )
            when portal_user_name is not null then portal_user_name
            when origin = 'saml' then coalesce(saml_subject, caller_user_name)
            when origin = 'web identity'
                then coalesce(web_identity_subject, caller_user_name)
            when origin = 'federated user'
                then coalesce(
                    {{ principal_name('caller_arn') }}, source_name
                )
            when service_session_name is not null then service_session_name
        end as named_actor
    from with_workload

),

with_actor as (

    select
        *,
        -- Where nobody is named the session's name is a guess.
        coalesce(
            named_actor,
            {{ assumed_role_part('from_session_arn', 'session') }},
            role_session_name
        ) as actor_name,
        case
            when origin in ('switching user', 'calling user') then 'iam user'
            when origin in ('switching root', 'calling root') then 'root'
            when portal_user_name is not null then 'identity center user'
            when
                origin = 'web identity'
                and {{ is_workload_identity(
                    'coalesce(web_identity_provider, identity_provider)',
                    'named_actor'
                ) }}
                then 'workload'
            when origin in ('saml', 'web identity', 'federated user')
                then 'federated user'
            when service_session_name is not null then 'workload'
            else 'unknown'
        end as actor_type,
        case
            when origin = 'switching user' then 'switch from user'
            when origin = 'calling user' then 'assumed by user'
            when origin in ('switching root', 'calling root') then 'root'
            when portal_user_name is not null then 'identity center user'
            when origin = 'saml' and named_actor is not null
                then 'saml subject'
            when origin = 'web identity' and named_actor is not null
                then 'web identity subject'
            when origin = 'federated user' and source_arn is not null
                then 'switch from user'
            when origin = 'federated user' then 'assumed by user'
            else 'session name'
        end as actor_method,
        case
            when named_actor is null then 'guess'
            when origin in ('role session', 'observed', 'service') then 'likely'
            else 'certain'
        end as actor_confidence
    from with_named_actor

),

with_mfa as (

    select
        *,
        case
            when
                origin in ('saml', 'web identity', 'federated user')
                or portal_user_name is not null
                then 'not asserted'
            when origin in ('service', 'role session') then 'unknown'
            -- What says no is to be believed of users only.
            when origin = 'observed'
                then
                    case
                        when 'yes' in (assumption_mfa, told_activity_mfa)
                            then 'yes'
                        else 'unknown'
                    end
            else
                coalesce(
                    assumption_mfa, told_activity_mfa, sign_in_mfa, 'unknown'
                )
        end as mfa,
        case
            when
                assumption_mfa = 'yes'
                or (assumption_mfa is not null and origin <> 'observed')
                then 'assume role'
            when told_activity_mfa is not null then 'session activity'
            when sign_in_mfa is not null then 'console sign-in'
        end as best_mfa_evidence
    from with_actor

),

origins as (

    select
        entry_key,
        session_id,
        switch_key,
        assumption_key,
        principal_id,
        started_at,
        entered_at,
        origin,
        entered_by,
        is_contested,
        is_service_session,
        role_name,
        role_session_name,
        caller_session_id,
        entrant_principal_id,
        source_arn,
        coalesce(source_arn, caller_arn) as entrant_arn,
        source_identity,

        ---------- who is behind it, chains aside
        actor_arn,
        actor_name,
        actor_type,
        case when actor_name is not null then actor_method end as actor_method,
        case when actor_name is not null then actor_confidence end
            as actor_confidence,

        ---------- with MFA or not, chains aside
        mfa,
        case when mfa in ('yes', 'no') then best_mfa_evidence end
            as mfa_evidence,

        -- A parent that is known to exist counts, found or not.
        case when origin = 'role session' then 1 else 0 end as hop_count,
        service_session_name is not null as is_workload

    from with_mfa

)

select * from origins
