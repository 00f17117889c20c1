{%- set longest_activity = "interval '" ~ var('longest_activity_hours')
    ~ "' hour" -%}
with

session_entries as (select * from {{ ref('session_entries') }}),

console_switches as (select * from {{ ref('console_switches') }}),

-- The caller's copy tells the session that asked, exactly.
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

activity as (select * from {{ ref('session_activity') }}),

joined as (
    select
        session_entries.entry_key,
        session_entries.session_id,
        session_entries.switch_key,
        session_entries.assumption_key,
        session_entries.principal_id,
        session_entries.started_at,
        coalesce(console_switches.switched_at, session_entries.started_at)
            as entered_at,

        ---------- the role, by whatever tells most of it
        coalesce(
            console_switches.role_session_name,
            {{ principal_session_name('session_entries.principal_id') }},
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

        ---------- the switch
        console_switches.role_switch_id,
        console_switches.switched_at,
        console_switches.role_arn_with_path as switch_role_arn,
        console_switches.role_partition as switch_partition,
        console_switches.source_arn,
        console_switches.source_principal_id,
        console_switches.source_ip_address as switch_address,

        ---------- the assumption
        assumptions.role_assumption_id,
        assumptions.assumed_at,
        assumptions.start_method as assumption_method,
        coalesce(assumptions.is_service_assumption, false)
            as is_service_assumption,
        assumptions.role_arn as assumption_role_arn,
        assumptions.assumed_role_arn,
        assumptions.role_session_name as assumption_session_name,
        assumptions.issued_access_key_id,
        assumptions.credentials_expire_at,
        assumptions.caller_type,
        assumptions.caller_principal_id,
        assumptions.caller_arn as logged_caller_arn,
        assumptions.caller_user_name,
        assumptions.caller_issuer_arn,
        assumptions.caller_session_id,
        assumptions.identity_provider,
        assumptions.source_identity as passed_source_identity,
        assumptions.saml_subject as logged_saml_subject,
        assumptions.saml_subject_type,
        assumptions.web_identity_subject as logged_web_identity_subject,
        assumptions.web_identity_provider as logged_web_identity_provider,
        {{ assumption_mfa('assumptions') }} as assumption_mfa,
        assumptions.source_ip_address as assumption_address,

        ---------- the activity
        coalesce(activity.is_assumed_root, false) as is_observed_root,
        coalesce(activity.is_service_session, false) as is_activity_of_service,
        activity.identity_arn as activity_arn,
        activity.role_arn as activity_role_arn,
        activity.source_identity as activity_source_identity,
        activity.on_behalf_of_user_id,
        case
            when activity.is_mfa_authenticated then 'yes'
            when not activity.is_mfa_authenticated then 'no'
        end as activity_mfa,
        activity.first_ip_address,
        activity.first_ip_action_at,
        activity.first_action_at,
        activity.last_action_at,
        coalesce(activity.action_count, 0) as action_count,
        coalesce(activity.write_count, 0) as write_count,
        coalesce(activity.denied_count, 0) as denied_count,
        coalesce(activity.source_ip_count, 0) as source_ip_count

    from session_entries
    left join console_switches
        on session_entries.switch_key = console_switches.switch_key
    left join assumptions
        on session_entries.assumption_key = assumptions.assumption_key
    left join activity
        on session_entries.session_id = activity.session_id
)

select * from joined
