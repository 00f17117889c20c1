with

entries as (select * from {{ ref('entries') }}),

callers as (select * from {{ ref('entry_callers') }}),

service_sessions as (select * from {{ ref('service_sessions') }}),

-- The caller in the record of the assumption entered the session, whatever is
-- done in it: a caller may choose name and second of a service's session.
with_caller as (
    select
        entries.*,
        callers.is_of_permission_set,
        callers.caller_arn,
        callers.caller_kind,
        callers.federating_user_arn,
        callers.entrant_principal_id,
        callers.source_kind,
        callers.source_name,
        callers.saml_subject,
        callers.web_identity_subject,
        callers.web_identity_provider,
        service_sessions.session_id is not null as is_caller_service,
        entries.switch_key is null
        and (
            entries.is_service_assumption
            or (
                entries.assumption_method = 'pod identity'
                and service_sessions.session_id is not null
            )
            or (
                entries.assumption_key is null
                and entries.is_activity_of_service
            )
        ) as is_service_session
    from entries
    inner join callers
        on entries.entry_key = callers.entry_key
    left join service_sessions
        on entries.caller_session_id = service_sessions.session_id
),

with_start_method as (
    select
        *,
        case
            when switch_key is not null then 'console switch'
            when assumption_key is null and is_observed_root then 'assume root'
            when assumption_key is null then 'observed'
            -- The console also assumes roles for services.
            when
                assumption_method = 'console switch'
                and (is_caller_service or is_activity_of_service)
                then 'assume role'
            else assumption_method
        end as start_method
    from with_caller
),

-- The kind of entrant, by the entry's own records.
with_origin as (
    select
        *,
        case
            when source_kind = 'iam user' then 'switching user'
            when source_kind = 'root' then 'switching root'
            when is_service_session then 'service'
            when
                start_method in (
                    'roles anywhere', 'identity center', 'saml', 'web identity'
                )
                then start_method
            when caller_type = 'IAMUser' then 'calling user'
            when
                {{ is_role_session('caller_type', 'caller_principal_id') }}
                or caller_principal_id like 'AROA%:%'
                or caller_session_id is not null
                then 'role session'
            when caller_type = 'Root' then 'calling root'
            when caller_type = 'FederatedUser' then 'federated user'
            -- The role account's copy has only the caller's unique id.
            when caller_principal_id like 'AIDA%' and caller_arn is not null
                then 'calling user'
            when caller_principal_id like 'AIDA%' then 'unnamed user'
            when source_kind in ('role session', 'identity center user')
                then 'role session'
            when source_kind = 'federated user' then 'federated user'
            else 'observed'
        end as origin
    from with_start_method
),

with_portal_entry as (
    select
        *,
        origin = 'identity center'
        or (origin = 'observed' and is_of_permission_set) as is_portal_entry
    from with_origin
),

-- The session of a permission set's role is named after its user.
with_portal_user as (
    select
        *,
        case
            when is_portal_entry then role_session_name
            when
                origin = 'role session'
                and source_kind = 'identity center user'
                then source_name
            when
                origin = 'role session'
                and caller_kind = 'identity center user'
                then {{ principal_name('caller_arn') }}
        end as portal_user_name
    from with_portal_entry
),

evidence as (
    select
        entry_key,
        session_id,
        switch_key,
        assumption_key,
        principal_id,
        started_at,
        entered_at,
        start_method,
        origin,
        is_service_session,
        is_portal_entry,
        portal_user_name,
        role_account_id,
        role_name,
        role_session_name,
        source_arn,
        source_kind,
        source_name,
        caller_arn,
        caller_kind,
        caller_user_name,
        caller_session_id,
        entrant_principal_id,
        federating_user_arn,
        on_behalf_of_user_id,
        saml_subject,
        web_identity_subject,
        web_identity_provider,
        assumption_mfa

    from with_portal_user
)

select * from evidence
