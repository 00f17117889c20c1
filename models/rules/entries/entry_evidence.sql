{%- set longest_activity = "interval '" ~ var('longest_activity_hours')
    ~ "' hour" -%}
with

entries as (

    select * from {{ ref('session_entries') }}

),

console_switches as (

    select * from {{ ref('console_switches') }}

),

assumptions as (

    select
        *,
        case
            when caller_session_created_at + {{ longest_activity }} < assumed_at
                then cast(null as varchar)
            when caller_type = 'Root' and is_caller_assumed_root
                then {{ root_session_id(
                    'caller_account_id',
                    'caller_session_created_at',
                    'caller_access_key_id'
                ) }}
            when {{ is_role_session('caller_type', 'caller_principal_id') }}
                then
                    caller_principal_id || '@'
                    || {{ iso_text('caller_session_created_at') }}
        end as caller_session_id
    from {{ ref('assumptions') }}

),

activity as (

    select * from {{ ref('session_activity') }}

),

session_keys as (

    select * from {{ ref('session_keys') }}

),

role_arns as (

    select * from {{ ref('role_arns') }}

),

-- Nobody but AWS makes a role below Identity Center's path: of the roles of one
-- name that of a permission set goes first.
arns_by_name as (

    select
        {{ arn_account('role_arn') }} || '/' || {{ arn_name('role_arn') }}
            as role_key,
        coalesce(
            max(
                case
                    when
                        {{ is_identity_center_role(
                            arn_name('role_arn'), 'role_arn'
                        ) }}
                        then role_arn
                end
            ),
            max(role_arn)
        ) as role_arn
    from role_arns
    where role_arn is not null
    group by 1

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

key_counts as (

    select
        session_id,
        count(*) as key_count
    from session_keys
    group by 1

),

known_starts as (

    select
        entries.session_id,
        assumptions.caller_session_id,
        case
            when entries.switch_key is not null then 'person'
            when assumptions.is_service_assumption then 'service'
            when assumptions.start_method = 'pod identity' then 'node'
            else 'person'
        end as begun_by
    from entries
    left join assumptions
        on entries.assumption_key = assumptions.assumption_key
    where entries.session_id is not null

),

-- Sessions that services act in, or that nobody but a service has begun.
sessions_of_services as (

    select session_id
    from activity
    where is_service_session
    union distinct
    select session_id
    from known_starts
    group by 1
    having min(begun_by) = 'service' and max(begun_by) = 'service'

),

sessions_of_pods as (

    select known_starts.session_id
    from known_starts
    left join sessions_of_services
        on known_starts.caller_session_id = sessions_of_services.session_id
    group by 1
    having
        min(known_starts.begun_by) = 'node'
        and max(known_starts.begun_by) = 'node'
        and count(*) = count(sessions_of_services.session_id)

),

service_sessions as (

    select session_id from sessions_of_services
    union distinct
    select session_id from sessions_of_pods

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
            {{ principal_session_name('entries.principal_id') }},
            assumptions.role_session_name
        ) as role_session_name,
        coalesce(
            console_switches.role_account_id,
            assumptions.role_account_id,
            {{ arn_account('activity.identity_arn') }}
        ) as role_account_id,
        coalesce(
            console_switches.role_name,
            assumptions.role_name,
            {{ assumed_role_part('activity.identity_arn', 'role') }},
            case when activity.is_assumed_root then 'root' end
        ) as role_name,
        coalesce(
            assumptions.role_arn,
            activity.role_arn,
            arns_by_id.role_arn
        ) as logged_role_arn,
        assumptions.source_identity as passed_source_identity,
        activity.source_identity as activity_source_identity,
        activity.on_behalf_of_user_id,
        coalesce(activity.is_assumed_root, false) as is_observed_root,

        ---------- whose it is
        coalesce(assumptions.is_service_assumption, false)
            as is_service_assumption,
        coalesce(activity.is_service_session, false)
            as is_activity_of_service,
        caller_services.session_id is not null as is_caller_service,
        session_keys.access_key_id is not null as is_key_used,
        coalesce(key_counts.key_count, 0) as key_count,

        ---------- who entered it
        assumptions.start_method as assumption_method,
        assumptions.event_name,
        assumptions.caller_type,
        assumptions.caller_principal_id,
        assumptions.caller_user_name,
        coalesce(assumptions.caller_arn, known_users.user_arn)
            as caller_arn,
        {{ principal_kind(
            'assumptions.caller_arn', 'caller_arns.role_arn'
        ) }} as caller_kind,
        -- Whoever asks for a federation token chooses the name in it.
        case
            when
                assumptions.caller_type = 'FederatedUser'
                and {{ principal_kind('assumptions.caller_issuer_arn') }}
                in ('iam user', 'root')
                then assumptions.caller_issuer_arn
        end as federating_user_arn,
        assumptions.caller_session_id,
        coalesce(
            assumptions.caller_principal_id,
            console_switches.source_principal_id
        ) as entrant_principal_id,
        console_switches.source_arn,
        {{ principal_kind(
            'console_switches.source_arn', 'source_arns.role_arn'
        ) }} as source_kind,
        {{ principal_name('console_switches.source_arn') }} as source_name,
        -- A transient subject is new at each sign-in and names nobody.
        case
            when
                coalesce(
                    lower(assumptions.saml_subject_type) not like '%transient',
                    true
                )
                then
                    coalesce(
                        assumptions.saml_subject, assumptions.caller_user_name
                    )
        end as saml_subject,
        coalesce(
            assumptions.web_identity_subject, assumptions.caller_user_name
        ) as web_identity_subject,
        coalesce(
            assumptions.web_identity_provider, assumptions.identity_provider
        ) as web_identity_provider,

        ---------- with MFA or not
        {{ assumption_mfa('assumptions') }} as assumption_mfa,
        case
            when activity.is_mfa_authenticated then 'yes'
            when not activity.is_mfa_authenticated then 'no'
        end as activity_mfa

    from entries
    left join console_switches
        on entries.switch_key = console_switches.switch_key
    left join assumptions
        on entries.assumption_key = assumptions.assumption_key
    left join activity
        on entries.session_id = activity.session_id
    left join service_sessions as caller_services
        on assumptions.caller_session_id = caller_services.session_id
    left join known_users
        on assumptions.caller_principal_id = known_users.principal_id
    left join session_keys
        on
            entries.session_id = session_keys.session_id
            and assumptions.issued_access_key_id = session_keys.access_key_id
    left join key_counts
        on entries.session_id = key_counts.session_id
    left join role_arns as arns_by_id
        on split_part(entries.principal_id, ':', 1) = arns_by_id.role_key
    left join arns_by_name as source_arns
        on
            {{ role_key('console_switches.source_arn') }} = source_arns.role_key
    left join arns_by_name as caller_arns
        on {{ role_key('assumptions.caller_arn') }} = caller_arns.role_key

),

-- Whom the record of the assumption names entered the session, whatever is done
-- in it: a caller may choose name and second of a service's session.
with_service as (

    select
        *,
        switch_key is null
        and (
            is_service_assumption
            or (assumption_method = 'pod identity' and is_caller_service)
            or (assumption_key is null and is_activity_of_service)
        ) as is_service_session
    from evidence

),

with_start_method as (

    select
        *,
        case
            when switch_key is not null then 'console switch'
            when assumption_key is null and is_observed_root then 'assume root'
            when assumption_key is null then 'observed'
            -- The console assumes roles for what is no person, too.
            when
                assumption_method = 'console switch'
                and (is_caller_service or is_activity_of_service)
                then 'assume role'
            else assumption_method
        end as start_method
    from with_service

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
            -- The role account's copy tells the caller's unique id only.
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
        or (
            origin = 'observed'
            and {{ is_identity_center_role('role_name', 'logged_role_arn') }}
        ) as is_portal_entry
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

with_entrant as (

    select
        *,
        case
            when origin in ('switching user', 'switching root') then source_arn
            when origin in ('calling user', 'calling root') then caller_arn
            when
                origin = 'service'
                or (assumption_key is null and switch_key is null)
                then cast(null as varchar)
            when origin = 'role session' and caller_session_id = session_id
                then cast(null as varchar)
            -- Subjects are chosen by whoever runs their provider.
            else
                origin || ' '
                || coalesce(
                    case
                        when origin = 'role session' then caller_session_id
                        when origin = 'identity center' then role_session_name
                        when origin = 'roles anywhere' then origin
                        when origin = 'saml'
                            then
                                coalesce(web_identity_provider, '') || ' '
                                || coalesce(saml_subject, role_session_name)
                        when origin = 'web identity'
                            then
                                coalesce(web_identity_provider, '') || ' '
                                || web_identity_subject
                    end,
                    entrant_principal_id,
                    caller_arn,
                    source_arn,
                    entry_key
                )
        end as entered_by
    from with_portal_user

),

-- Of several ways into one session the one whose issued key acts is that of the
-- session; whose the keys are that none of them was issued nothing tells: the
-- console's, or such as were made from others.
with_keys as (

    select
        *,
        max(
            case when is_key_used and not is_service_session then 1 else 0 end
        ) over (partition by session_id) = 1 as is_any_key_used,
        key_count > sum(case when is_key_used then 1 else 0 end)
            over (partition by session_id) as is_other_key_used
    from with_entrant

),

with_lead as (

    select
        *,
        session_id is null
        or not is_any_key_used
        or is_key_used
        or is_other_key_used
            as may_lead
    from with_keys

),

-- Sessions of one role that are named alike and began in one second are one:
-- if two people entered it they cannot be told apart.
with_contest as (

    select
        *,
        coalesce(
            session_id is not null
            and min(case when may_lead then entered_by end)
                over (partition by session_id)
            <> max(case when may_lead then entered_by end)
                over (partition by session_id),
            false
        ) as is_contested
    from with_lead

),

-- What is done in a session that two people entered tells of neither.
told as (

    select
        *,
        case
            when may_lead and not is_contested then activity_mfa
        end as told_activity_mfa,
        coalesce(
            passed_source_identity,
            case
                when may_lead and not is_contested then activity_source_identity
            end
        ) as source_identity
    from with_contest

)

select * from told
