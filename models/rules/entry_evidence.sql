with

entries as (

    select * from {{ ref('session_entries') }}

),

console_switches as (

    select * from {{ ref('console_switches') }}

),

role_assumptions as (

    select * from {{ ref('role_assumptions') }}

),

activity as (

    select * from {{ ref('session_activity') }}

),

-- A user who was renamed or moved keeps the id.
known_users as (

    select
        user_principal_id as principal_id,
        max_by(user_arn, last_event_at) as user_arn
    from {{ ref('account_activity') }}
    where
        user_type = 'IAMUser'
        and user_principal_id <> ''
        and user_arn <> ''
    group by 1

),

sign_ins as (

    select * from {{ ref('entry_sign_ins') }}

),

evidence as (

    select
        entries.entry_key,
        entries.session_id,
        entries.switch_key,
        entries.assumption_key,
        entries.principal_id,
        entries.started_at,
        coalesce(console_switches.switched_at, entries.started_at)
            as entered_at,

        ---------- the session
        coalesce(
            console_switches.role_session_name,
            role_assumptions.role_session_name,
            {{ principal_session_name('entries.principal_id') }}
        ) as role_session_name,
        coalesce(
            console_switches.role_name,
            role_assumptions.role_name,
            {{ assumed_role_part('activity.identity_arn', 'role') }}
        ) as role_name,
        coalesce(
            role_assumptions.source_identity, activity.source_identity
        ) as source_identity,
        console_switches.switch_key is null and (
            coalesce(role_assumptions.is_service_assumption, false)
            or coalesce(activity.is_service_session, false)
            or {{ is_instance_id(
                principal_session_name('entries.principal_id')
            ) }}
        ) as is_service_session,

        ---------- who entered it
        role_assumptions.event_name,
        role_assumptions.caller_type,
        role_assumptions.caller_principal_id,
        role_assumptions.caller_user_name,
        coalesce(role_assumptions.caller_arn, known_users.user_arn)
            as caller_arn,
        case
            when {{ is_role_session(
                'role_assumptions.caller_type', 'role_assumptions.caller_principal_id'
            ) }}
                then
                    role_assumptions.caller_principal_id || '@'
                    || {{ iso_text(
                        'role_assumptions.caller_session_created_at'
                    ) }}
        end as caller_session_id,
        coalesce(
            role_assumptions.caller_principal_id,
            console_switches.source_principal_id
        ) as entrant_principal_id,
        console_switches.source_arn,
        {{ principal_kind('console_switches.source_arn') }} as source_kind,
        {{ principal_name('console_switches.source_arn') }} as source_name,
        role_assumptions.saml_subject,
        role_assumptions.web_identity_subject,
        role_assumptions.web_identity_provider,
        role_assumptions.identity_provider,

        ---------- with MFA or not
        {{ assumption_mfa('role_assumptions') }} as assumption_mfa,
        case
            when activity.is_mfa_authenticated then 'yes'
            when not activity.is_mfa_authenticated then 'no'
        end as activity_mfa,
        case when sign_ins.mfa in ('yes', 'no') then sign_ins.mfa end
            as sign_in_mfa

    from entries
    left join console_switches
        on entries.switch_key = console_switches.switch_key
    left join role_assumptions
        on entries.assumption_key = role_assumptions.assumption_key
    left join activity
        on entries.session_id = activity.session_id
    left join known_users
        on role_assumptions.caller_principal_id = known_users.principal_id
    left join sign_ins
        on entries.entry_key = sign_ins.entry_key

),

-- Who or what the entry leads back to by its own records.
with_origin as (

    select
        *,
        case
            when source_kind = 'iam user' then 'switching user'
            when source_kind = 'root' then 'switching root'
            when is_service_session then 'service'
            when
                event_name = 'AssumeRoleWithSAML'
                and {{ is_identity_center_role('role_name') }}
                then 'identity center'
            when event_name = 'AssumeRoleWithSAML' then 'saml'
            when event_name = 'AssumeRoleWithWebIdentity' then 'web identity'
            when caller_type = 'IAMUser' then 'calling user'
            when caller_type = 'Root' then 'calling root'
            when caller_type = 'FederatedUser' then 'federated user'
            -- The role account's copy tells the caller's unique id only.
            when caller_principal_id like 'AIDA%' and caller_arn is not null
                then 'calling user'
            when caller_principal_id like 'AIDA%' then 'unnamed user'
            when
                {{ is_role_session('caller_type', 'caller_principal_id') }}
                or caller_principal_id like 'AROA%:%'
                then 'role session'
            when source_kind in ('role session', 'identity center user')
                then 'role session'
            when source_kind = 'federated user' then 'federated user'
            else 'observed'
        end as origin
    from evidence

),

with_entrant as (

    select
        *,
        case
            when origin in ('switching user', 'switching root') then source_arn
            when origin in ('calling user', 'calling root') then caller_arn
            when origin = 'role session'
                then nullif(caller_session_id, session_id)
            when origin = 'identity center' then role_session_name
            when origin = 'saml' then saml_subject
            when origin = 'web identity' then web_identity_subject
        end as entered_by
    from with_origin

),

-- Sessions of one role that are named alike and began in one second are one:
-- if two people entered it they cannot be told apart.
with_contest as (

    select
        *,
        coalesce(
            session_id is not null
            and min(entered_by) over (partition by session_id)
            <> max(entered_by) over (partition by session_id),
            false
        ) as is_contested
    from with_entrant

)

select * from with_contest
