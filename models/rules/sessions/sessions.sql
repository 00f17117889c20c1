with

entry_origins as (

    select * from {{ ref('entry_origins') }}
    where session_id is not null

),

console_switches as (

    select * from {{ ref('console_switches') }}

),

assumptions as (

    select * from {{ ref('assumptions') }}

),

activity as (

    select * from {{ ref('session_activity') }}

),

role_arns as (

    select * from {{ ref('role_arns') }}

),

-- Whoever is named entered it, though a service did, too; the switch tells most
-- of a session, then the AssumeRole that names a caller.
ranked_entries as (

    select
        *,
        row_number() over (
            partition by session_id
            order by
                case when may_lead then 0 else 1 end,
                case when is_service_session then 1 else 0 end,
                case when switch_key is null then 1 else 0 end,
                case when is_key_used then 0 else 1 end,
                case when entered_by is null then 1 else 0 end,
                case when mfa_evidence = 'assume role' then 0 else 1 end,
                case when assumption_key is null then 1 else 0 end,
                entry_key
        ) as entry_number
    from entry_origins

),

leading_entries as (

    select * from ranked_entries
    where entry_number = 1

),

with_records as (

    select
        leading_entries.session_id,
        leading_entries.entry_key,
        leading_entries.principal_id,
        leading_entries.started_at,
        leading_entries.is_service_session,
        leading_entries.is_contested,
        leading_entries.start_method,
        console_switches.role_switch_id,
        assumptions.role_assumption_id as assume_role_event_id,

        ---------- the role
        coalesce(
            leading_entries.role_account_id,
            {{ arn_account('activity.role_arn') }}
        ) as role_account_id,
        coalesce(
            leading_entries.role_name, {{ arn_name('activity.role_arn') }}
        ) as role_name,
        leading_entries.role_session_name,
        coalesce(
            activity.role_arn,
            assumptions.role_arn,
            console_switches.role_arn_with_path,
            case
                when activity.is_assumed_root then activity.identity_arn
            end
        ) as shown_role_arn,
        coalesce(
            console_switches.role_partition,
            split_part(assumptions.assumed_role_arn, ':', 2),
            split_part(activity.identity_arn, ':', 2),
            'aws'
        ) as role_partition,

        ---------- from where
        console_switches.source_ip_address as switch_address,
        case
            when
                leading_entries.origin <> 'identity center'
                and {{ is_ip_address('assumptions.source_ip_address') }}
                then assumptions.source_ip_address
        end as assumption_address,
        activity.first_ip_address,
        activity.first_ip_action_at,

        ---------- the actions
        activity.first_action_at,
        activity.last_action_at,
        coalesce(activity.action_count, 0) as action_count,
        coalesce(activity.write_count, 0) as write_count,
        coalesce(activity.denied_count, 0) as denied_count,
        coalesce(activity.source_ip_count, 0) as source_ip_count,

        ---------- its end
        assumptions.credentials_expire_at as expires_at,
        greatest(
            coalesce(
                assumptions.credentials_expire_at,
                leading_entries.started_at
            ),
            coalesce(activity.last_action_at, leading_entries.started_at)
        ) as alive_until

    from leading_entries
    left join console_switches
        on leading_entries.switch_key = console_switches.switch_key
    left join assumptions
        on leading_entries.assumption_key = assumptions.assumption_key
    left join activity
        on leading_entries.session_id = activity.session_id

),

with_role_arn as (

    select
        with_records.*,
        coalesce(
            with_records.shown_role_arn,
            arns_by_id.role_arn,
            arns_by_name.role_arn,
            {{ iam_role_arn(
                'with_records.role_partition',
                'with_records.role_account_id',
                'with_records.role_name'
            ) }}
        ) as role_arn
    from with_records
    left join role_arns as arns_by_id
        on
            split_part(with_records.principal_id, ':', 1) = arns_by_id.role_key
    left join role_arns as arns_by_name
        on
            with_records.role_account_id || '/' || with_records.role_name
            = arns_by_name.role_key

),

sessions as (

    select
        session_id,
        entry_key,
        principal_id,
        started_at,
        start_method,
        role_switch_id,
        assume_role_event_id,
        is_service_session,
        is_contested,
        role_account_id,
        role_name,
        role_session_name,
        role_arn,
        switch_address,
        assumption_address,
        first_ip_address,
        first_ip_action_at,
        first_action_at,
        last_action_at,
        action_count,
        write_count,
        denied_count,
        source_ip_count,
        expires_at,
        alive_until
    from with_role_arn

)

select * from sessions
