-- RULES 2: what was refused, and what was granted and led to no session of its
-- own: it is another actor's, or nobody knows whose.
{% set of_actor = [
    'actor_arn', 'actor_name', 'actor_type', 'actor_method', 'actor_confidence',
    'source_identity', 'parent_session_id', 'chain_depth', 'mfa',
    'mfa_evidence',
] %}
with

assumptions as (select * from {{ ref('assumptions') }}),

entry_origins as (select * from {{ ref('entry_origins') }}),

entry_actors as (select * from {{ ref('entry_actors') }}),

shared_entries as (
    select * from {{ ref('shared_session_entries') }}
    where entry_number = 1
),

-- A refused switch is one entry, of which its AssumeRole is told too.
entries as (
    select
        assumptions.role_assumption_id as entry_id,
        assumptions.assumed_at as entered_at,
        entry_origins.start_method as how,
        assumptions.outcome,
        coalesce(assumptions.error_message, assumptions.error_code)
            as error_message,
        assumptions.seen_in,

        ---------- the role
        assumptions.role_account_id,
        assumptions.role_name,
        assumptions.role_arn,
        assumptions.role_session_name,

        ---------- who asked, as logged
        {{ assumption_source('assumptions') }},

        ---------- who is behind it
        {%- for column in of_actor %}
            entry_actors.{{ column }},
        {%- endfor %}

        ---------- from where
        case
            when {{ is_ip_address('assumptions.source_ip_address') }}
                then assumptions.source_ip_address
        end as source_ip_address,
        case
            when {{ is_ip_address('assumptions.source_ip_address') }}
                then 'assume role'
        end as address_evidence,
        assumptions.user_agent,
        assumptions.aws_region,

        ---------- the ids
        case
            when not shared_entries.is_led_by_other
                then shared_entries.session_id
        end as session_id,
        assumptions.role_assumption_id

    from assumptions
    inner join entry_origins
        on assumptions.assumption_key = entry_origins.assumption_key
    inner join entry_actors
        on entry_origins.entry_key = entry_actors.entry_key
    left join shared_entries
        on assumptions.assumption_key = shared_entries.assumption_key
    where
        not entry_origins.is_service_session
        and entry_origins.switch_key is null
        and (
            assumptions.outcome = 'failure'
            or shared_entries.entry_key is not null
        )
)

select * from entries
