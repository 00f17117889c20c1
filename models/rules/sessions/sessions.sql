with

entry_origins as (
    select * from {{ ref('entry_origins') }}
    where session_id is not null
),

entries as (select * from {{ ref('entries') }}),

role_arns as (select * from {{ ref('role_arns') }}),

-- RULES 2: an entry of a person goes before one of a service. A switch tells
-- most about a session, then an AssumeRole that names a caller.
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
        entries.session_id,
        entries.entry_key,
        entries.principal_id,
        entries.started_at,
        leading_entries.start_method,
        entries.role_switch_id,
        entries.role_assumption_id as assume_role_event_id,
        leading_entries.is_service_session,
        leading_entries.is_contested,

        ---------- the role
        coalesce(
            entries.role_account_id,
            {{ arn_account('entries.activity_role_arn') }}
        ) as role_account_id,
        coalesce(
            entries.role_name, {{ arn_name('entries.activity_role_arn') }}
        ) as role_name,
        entries.role_session_name,
        coalesce(
            entries.switch_partition,
            split_part(entries.assumed_role_arn, ':', 2),
            split_part(entries.activity_arn, ':', 2),
            'aws'
        ) as role_partition,
        coalesce(
            entries.activity_role_arn,
            entries.assumption_role_arn,
            entries.switch_role_arn,
            case when entries.is_observed_root then entries.activity_arn end
        ) as shown_role_arn,

        ---------- from where
        entries.switch_address,
        case
            when
                leading_entries.origin <> 'identity center'
                and {{ is_ip_address('entries.assumption_address') }}
                then entries.assumption_address
        end as assumption_address,
        entries.first_ip_address,
        entries.first_ip_action_at,

        ---------- the actions
        entries.first_action_at,
        entries.last_action_at,
        entries.action_count,
        entries.write_count,
        entries.denied_count,
        entries.source_ip_count,

        ---------- its end
        entries.credentials_expire_at as expires_at,
        greatest(
            coalesce(entries.credentials_expire_at, entries.started_at),
            coalesce(entries.last_action_at, entries.started_at)
        ) as alive_until

    from leading_entries
    inner join entries
        on leading_entries.entry_key = entries.entry_key
),

with_role_arn as (
    select
        with_records.session_id,
        with_records.entry_key,
        with_records.principal_id,
        with_records.started_at,
        with_records.start_method,
        with_records.role_switch_id,
        with_records.assume_role_event_id,
        with_records.is_service_session,
        with_records.is_contested,
        case
            when not with_records.is_contested then with_records.entry_key
        end as actor_entry_key,
        with_records.role_account_id,
        with_records.role_name,
        with_records.role_session_name,
        coalesce(
            with_records.shown_role_arn,
            arns_by_id.role_arn,
            arns_by_name.role_arn,
            {{ iam_role_arn(
                'with_records.role_partition',
                'with_records.role_account_id',
                'with_records.role_name'
            ) }}
        ) as role_arn,
        with_records.switch_address,
        with_records.assumption_address,
        with_records.first_ip_address,
        with_records.first_ip_action_at,
        with_records.first_action_at,
        with_records.last_action_at,
        with_records.action_count,
        with_records.write_count,
        with_records.denied_count,
        with_records.source_ip_count,
        with_records.expires_at,
        with_records.alive_until
    from with_records
    left join role_arns as arns_by_id
        on
            split_part(with_records.principal_id, ':', 1) = arns_by_id.role_key
    left join role_arns as arns_by_name
        on
            with_records.role_account_id || '/' || with_records.role_name
            = arns_by_name.role_key
)

select * from with_role_arn
