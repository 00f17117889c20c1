{#- What a switch, a session and an assumption have under one name. -#}
{%- set role_and_actor = [
    'role_account_id', 'role_name', 'role_arn', 'role_session_name',
    'actor_arn', 'actor_name', 'actor_type', 'actor_method', 'actor_confidence',
    'source_identity', 'mfa', 'mfa_evidence', 'source_ip_address',
    'address_evidence', 'session_id',
] -%}
{#- What a switch and an assumption have beside it. -#}
{%- set of_record = [
    'outcome', 'error_message', 'seen_in', 'source_account_id', 'source_arn',
    'source_name', 'user_agent', 'aws_region',
] -%}
with

role_switches as (select * from {{ ref('role_switches') }}),

role_sessions as (select * from {{ ref('role_sessions') }}),

role_assumptions as (select * from {{ ref('role_assumptions') }}),

assumption_entries as (select * from {{ ref('assumption_entries') }}),

switches as (
    select
        role_switches.role_switch_id as entry_id,
        role_switches.switched_at as entered_at,
        'console switch' as how,
        {%- for column in role_and_actor %}
            role_switches.{{ column }},
        {%- endfor %}
        role_sessions.parent_session_id,
        role_sessions.chain_depth,
        {%- for column in of_record %}
            role_switches.{{ column }},
        {%- endfor %}
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
        {%- for column in role_and_actor %}
            role_sessions.{{ column }},
        {%- endfor %}
        role_sessions.parent_session_id,
        role_sessions.chain_depth,
        'success' as outcome,
        cast(null as varchar) as error_message,
        assumptions.seen_in,
        {{ assumption_source('assumptions') }},
        assumptions.user_agent,
        assumptions.aws_region,
        cast(null as varchar) as role_switch_id,
        role_sessions.assume_role_event_id as role_assumption_id,
        true as has_actions_of_session
    from role_sessions
    left join role_assumptions as assumptions
        on
            role_sessions.assume_role_event_id = assumptions.role_assumption_id
            -- Another account's record may have the same event id.
            and role_sessions.session_id = assumptions.session_id
    where
        role_sessions.is_contested or role_sessions.role_switch_id is null
),

other_assumptions as (
    select
        entry_id,
        entered_at,
        how,
        {%- for column in role_and_actor %}
            {{ column }},
        {%- endfor %}
        parent_session_id,
        chain_depth,
        {%- for column in of_record %}
            {{ column }},
        {%- endfor %}
        cast(null as varchar) as role_switch_id,
        role_assumption_id,
        false as has_actions_of_session
    from assumption_entries
),

entries as (
    select * from switches
    union all
    select * from other_sessions
    union all
    select * from other_assumptions
),

-- Ids are AWS's own, of which anonymised and forged logs repeat some.
numbered_entries as (
    select
        *,
        row_number() over (
            partition by entry_id
            order by
                entered_at, role_account_id, source_account_id, how, outcome,
                session_id, actor_arn
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
