with

role_switches as (select * from {{ ref('role_switches') }}),

role_sessions as (select * from {{ ref('role_sessions') }}),

assumptions as (select * from {{ ref('role_assumptions') }}),

shared_entries as (
    select * from {{ ref('shared_session_entries') }}
    where entry_number = 1
),

-- What was refused, and what was granted and led to no session of its own: it
-- is another actor's, or nobody knows whose.
other_assumptions as (
    select
        assumptions.*,
        case
            when not shared_entries.is_led_by_other
                then shared_entries.session_id
        end as shared_session_id
    from assumptions
    left join shared_entries
        on assumptions.assumption_key = shared_entries.assumption_key
    where
        not assumptions.is_service_session
        and assumptions.switch_key is null
        and (
            assumptions.outcome = 'failure'
            or shared_entries.entry_key is not null
        )
),

-- A refused switch is one entry, of which its AssumeRole is told too.
switches as (
    select
        role_switches.role_switch_id as entry_id,
        role_switches.switched_at as entered_at,
        'console switch' as how,
        role_switches.outcome,
        role_switches.error_message,
        role_switches.seen_in,

        ---------- the role
        role_switches.role_account_id,
        role_switches.role_name,
        role_switches.role_arn,
        role_switches.role_session_name,

        ---------- who entered it, as logged
        role_switches.source_account_id,
        role_switches.source_arn,
        role_switches.source_name,

        ---------- who is behind it
        role_switches.actor_arn,
        role_switches.actor_name,
        role_switches.actor_type,
        role_switches.actor_method,
        role_switches.actor_confidence,
        role_switches.source_identity,
        role_sessions.parent_session_id,
        role_sessions.chain_depth,

        ---------- with MFA or not, and from where
        role_switches.mfa,
        role_switches.mfa_evidence,
        role_switches.source_ip_address,
        role_switches.address_evidence,
        role_switches.user_agent,
        role_switches.aws_region,

        ---------- the ids
        role_switches.session_id,
        role_switches.role_switch_id,
        role_switches.assume_role_event_id as role_assumption_id,
        not coalesce(role_sessions.is_contested, false)
            as has_actions_of_session
    from role_switches
    left join role_sessions
        on role_switches.session_id = role_sessions.session_id
),

other_sessions as (
    select
        role_sessions.session_id as entry_id,
        role_sessions.started_at as entered_at,
        role_sessions.start_method as how,
        'success' as outcome,
        cast(null as varchar) as error_message,
        assumptions.seen_in,

        ---------- the role
        role_sessions.role_account_id,
        role_sessions.role_name,
        role_sessions.role_arn,
        role_sessions.role_session_name,

        ---------- who entered it, as logged
        coalesce(
            {{ arn_account('assumptions.caller_arn') }},
            assumptions.caller_account_id
        ) as source_account_id,
        assumptions.caller_arn as source_arn,
        coalesce(
            {{ principal_name('assumptions.caller_arn') }},
            assumptions.caller_user_name
        ) as source_name,

        ---------- who is behind it
        role_sessions.actor_arn,
        role_sessions.actor_name,
        role_sessions.actor_type,
        role_sessions.actor_method,
        role_sessions.actor_confidence,
        role_sessions.source_identity,
        role_sessions.parent_session_id,
        role_sessions.chain_depth,

        ---------- with MFA or not, and from where
        role_sessions.mfa,
        role_sessions.mfa_evidence,
        role_sessions.source_ip_address,
        role_sessions.address_evidence,
        assumptions.user_agent,
        assumptions.aws_region,

        ---------- the ids
        role_sessions.session_id,
        cast(null as varchar) as role_switch_id,
        role_sessions.assume_role_event_id as role_assumption_id,
        true as has_actions_of_session
    from role_sessions
    left join assumptions
        on
            role_sessions.assume_role_event_id = assumptions.role_assumption_id
            -- Another account's record may have the same event id.
            and role_sessions.session_id = assumptions.session_id
    where
        role_sessions.is_contested or role_sessions.role_switch_id is null
),

other_entries as (
    select
        role_assumption_id as entry_id,
        assumed_at as entered_at,
        start_method as how,
        outcome,
        coalesce(error_message, error_code) as error_message,
        seen_in,

        ---------- the role
        role_account_id,
        role_name,
        role_arn,
        role_session_name,

        ---------- who asked, as logged
        coalesce({{ arn_account('caller_arn') }}, caller_account_id)
            as source_account_id,
        caller_arn as source_arn,
        coalesce({{ principal_name('caller_arn') }}, caller_user_name)
            as source_name,

        ---------- who is behind it
        actor_arn,
        actor_name,
        actor_type,
        actor_method,
        actor_confidence,
        source_identity,
        parent_session_id,
        chain_depth,

        ---------- with MFA or not, and from where
        mfa,
        mfa_evidence,
        case
            when {{ is_ip_address('source_ip_address') }} then source_ip_address
        end as source_ip_address,
        case
            when {{ is_ip_address('source_ip_address') }} then 'assume role'
        end as address_evidence,
        user_agent,
        aws_region,

        ---------- the ids
        shared_session_id as session_id,
        cast(null as varchar) as role_switch_id,
        role_assumption_id,
        false as has_actions_of_session
    from other_assumptions
),

entries as (
    select * from switches
    union all
    select * from other_sessions
    union all
    select * from other_entries
),

-- Ids are AWS's own, of which anonymised and forged logs repeat some.
numbered_entries as (
    select
        *,
        row_number() over (
            partition by entry_id
            order by
                entered_at,
                role_account_id,
                source_account_id,
                how,
                outcome,
                session_id,
                actor_arn
        ) as entry_number
    from entries
),

-- What was done in the session that came of it: of one that two people entered
-- it is neither's.
with_actions as (
    select
        case
            when entries.entry_number = 1 then entries.entry_id
            else
                entries.entry_id || '/'
                || cast(entries.entry_number as varchar)
        end as entry_id,
        entries.entered_at,
        entries.how,
        entries.outcome,
        entries.error_message,
        entries.seen_in,
        entries.role_account_id,
        entries.role_name,
        entries.role_arn,
        entries.role_session_name,
        entries.source_account_id,
        entries.source_arn,
        entries.source_name,
        entries.actor_arn,
        entries.actor_name,
        entries.actor_type,
        entries.actor_method,
        entries.actor_confidence,
        entries.source_identity,
        entries.parent_session_id,
        entries.chain_depth,
        entries.mfa,
        entries.mfa_evidence,
        entries.source_ip_address,
        entries.address_evidence,
        entries.user_agent,
        entries.aws_region,
        entries.session_id,
        entries.role_switch_id,
        entries.role_assumption_id,
        entries.has_actions_of_session,
        role_sessions.action_count,
        role_sessions.write_count,
        role_sessions.denied_count,
        role_sessions.source_ip_count,
        role_sessions.has_data_events,
        role_sessions.first_action_at,
        role_sessions.last_action_at,
        role_sessions.expires_at,
        role_sessions.exited_at,
        role_sessions.renewal_count
    from numbered_entries as entries
    left join role_sessions
        on
            case
                when entries.has_actions_of_session then entries.session_id
            end = role_sessions.session_id
)

select * from with_actions
