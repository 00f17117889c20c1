with

console_switches as (select * from {{ ref('console_switches') }}),

entries as (
    select * from {{ ref('entries') }}
    where switch_key is not null
),

entry_actors as (select * from {{ ref('entry_actors') }}),

sessions as (select * from {{ ref('sessions') }}),

role_arns as (select * from {{ ref('role_arns') }}),

led_by_others as (
    select * from {{ ref('shared_session_entries') }}
    where is_led_by_other
),

switches as (
    select
        console_switches.role_switch_id,
        console_switches.switched_at,
        console_switches.outcome,
        console_switches.error_message,
        console_switches.seen_in,

        ---------- the role
        console_switches.role_account_id,
        console_switches.role_name,
        coalesce(
            sessions.role_arn,
            console_switches.role_arn_with_path,
            role_arns.role_arn,
            {{ iam_role_arn(
                'console_switches.role_partition',
                'console_switches.role_account_id',
                'console_switches.role_name'
            ) }}
        ) as role_arn,
        coalesce(
            console_switches.role_session_name, entries.assumption_session_name
        ) as role_session_name,

        ---------- who switched, as logged
        console_switches.source_account_id,
        console_switches.source_arn,
        {{ principal_name('console_switches.source_arn') }} as source_name,

        ---------- who is behind it
        entry_actors.actor_arn,
        entry_actors.actor_name,
        entry_actors.actor_type,
        entry_actors.actor_method,
        entry_actors.actor_confidence,
        entry_actors.source_identity,

        ---------- from where
        console_switches.source_ip_address,
        case
            when console_switches.source_ip_address is not null
                then 'switch record'
        end as address_evidence,
        console_switches.user_agent,
        console_switches.aws_region,

        ---------- MFA
        entry_actors.mfa,
        entry_actors.mfa_evidence,

        ---------- the session that came of it, and the records
        case
            when led_by_others.entry_key is null then entries.session_id
        end as session_id,
        console_switches.role_event_id,
        console_switches.source_event_id,
        entries.role_assumption_id as assume_role_event_id

    from console_switches
    inner join entries
        on console_switches.switch_key = entries.switch_key
    inner join entry_actors
        on entries.entry_key = entry_actors.entry_key
    left join sessions
        on entries.session_id = sessions.session_id
    left join led_by_others
        on entries.entry_key = led_by_others.entry_key
    left join role_arns
        on
            console_switches.role_account_id
            || '/'
            || console_switches.role_name
            = role_arns.role_key
)

select * from switches
