-- RULES 4: whom the entry's own record names, chains aside.
with

evidence as (
    select
        evidence.*,
        contests.source_identity
    from {{ ref('entry_evidence') }} as evidence
    left join {{ ref('entry_contests') }} as contests
        on evidence.entry_key = contests.entry_key
),

with_session_before as (
    select
        *,
        case
            when
                origin = 'role session'
                and source_kind in ('role session', 'identity center user')
                then source_arn
            when origin = 'role session' then caller_arn
        end as from_session_arn
    from evidence
),

-- The name in the entry's own record, if there is one.
with_recorded_actor as (
    select
        *,
        case
            when origin in ('switching user', 'switching root') then source_arn
            when origin in ('calling user', 'calling root') then caller_arn
            else federating_user_arn
        end as actor_arn,
        case
            when origin in ('switching user', 'switching root') then source_name
            when origin in ('calling user', 'calling root')
                then coalesce(
                    {{ principal_name('caller_arn') }}, caller_user_name
                )
            when portal_user_name is not null then portal_user_name
            -- Nobody vouches for the session name in a refused assertion.
            when origin = 'saml' and session_id is null then saml_subject
            when origin = 'saml' then coalesce(saml_subject, role_session_name)
            when origin = 'web identity' then web_identity_subject
            when origin = 'federated user'
                then coalesce(
                    {{ principal_name('federating_user_arn') }},
                    {{ principal_name('caller_arn') }},
                    source_name
                )
        end as recorded_actor
    from with_session_before
),

-- RULES 4: the caller chose the source identity, unless an assertion carried
-- it. It names nobody where the record names somebody.
with_source_identity as (
    select
        *,
        origin in ('saml', 'web identity')
        and source_identity is not null as is_named_by_assertion,
        -- Roles Anywhere takes the source identity from the certificate.
        recorded_actor is null
        and not (origin = 'roles anywhere' and source_identity is not null)
            as may_be_named_by_source_identity
    from with_recorded_actor
),

with_actor as (
    select
        *,
        -- Where nobody is named, the session name is a guess.
        case
            when is_named_by_assertion then source_identity
            else
                coalesce(
                    recorded_actor,
                    source_identity,
                    {{ assumed_role_part('from_session_arn', 'session') }},
                    role_session_name
                )
        end as actor_name,
        case
            when origin in ('switching user', 'calling user') then 'iam user'
            when origin in ('switching root', 'calling root') then 'root'
            when portal_user_name is not null then 'identity center user'
            when federating_user_arn is not null
                then {{ principal_kind('federating_user_arn') }}
            when is_named_by_assertion then 'federated user'
            when
                origin = 'web identity'
                -- Nobody vouches for the subject of a refused token.
                and (
                    session_id is not null or web_identity_provider is not null
                )
                and {{ is_workload_identity(
                    'web_identity_provider', 'recorded_actor'
                ) }}
                then 'workload'
            when origin in ('saml', 'web identity', 'federated user')
                then 'federated user'
            when origin = 'roles anywhere' then 'workload'
            when origin = 'service' and source_identity is null then 'workload'
            else 'unknown'
        end as actor_type,
        case
            when origin = 'switching user' then 'switch from user'
            when origin = 'calling user' then 'assumed by user'
            when origin in ('switching root', 'calling root') then 'root'
            when portal_user_name is not null then 'identity center user'
            when is_named_by_assertion then 'source identity'
            when origin = 'saml' and saml_subject is not null
                then 'saml subject'
            when origin = 'saml' and recorded_actor is not null
                then 'saml session name'
            when origin = 'web identity' and recorded_actor is not null
                then 'web identity subject'
            when
                origin = 'federated user'
                and source_arn is not null
                and federating_user_arn is null
                then 'switch from user'
            when origin = 'federated user' then 'assumed by user'
            when source_identity is not null then 'source identity'
            else 'session name'
        end as actor_method,
        -- 3 certain, 2 likely, 1 guess.
        case
            when is_named_by_assertion then 3
            when
                recorded_actor is not null
                and (
                    origin in ('role session', 'observed')
                    or (
                        origin = 'federated user'
                        and federating_user_arn is null
                    )
                )
                then 2
            when recorded_actor is not null then 3
            when
                source_identity is not null
                or origin in ('service', 'roles anywhere')
                then 2
            else 1
        end as confidence_rank
    from with_source_identity
),

actors as (
    select
        entry_key,
        may_be_named_by_source_identity,
        actor_arn,
        actor_name,
        actor_type,
        case when actor_name is not null then actor_method end as actor_method,
        case when actor_name is not null then confidence_rank end
            as confidence_rank
    from with_actor
)

select * from actors
