{%- set of_either_half = [
    'error_message', 'source_ip_address', 'user_agent', 'aws_region',
] -%}
{%- set of_leading_half = [
    'role_account_id', 'role_name', 'role_partition', 'role_session_name',
    'role_principal_id', 'source_account_id', 'source_arn',
] -%}
with

halves as (select * from {{ ref('switch_halves') }}),

pairs as (select * from {{ ref('switch_pairs') }}),

role_halves as (
    select
        role_halves.*,
        pairs.source_half_id
    from halves as role_halves
    left join pairs
        on role_halves.half_id = pairs.role_half_id
    where role_halves.half = 'role'
),

single_source_halves as (
    select source_halves.*
    from halves as source_halves
    left join pairs
        on source_halves.half_id = pairs.source_half_id
    where source_halves.half = 'source' and pairs.source_half_id is null
),

led_by_role_half as (
    select
        role_halves.half_id as switch_key,
        role_halves.event_id as role_switch_id,
        role_halves.switched_at,
        case
            when source_halves.half_id is not null then 'both accounts'
            else 'role account'
        end as seen_in,
        case
            when 'success' in (role_halves.outcome, source_halves.outcome)
                then 'success'
            else role_halves.outcome
        end as outcome,
        {%- for column in of_either_half %}
            coalesce(role_halves.{{ column }}, source_halves.{{ column }})
                as {{ column }},
        {%- endfor %}
        {%- for column in of_leading_half %}
            role_halves.{{ column }},
        {%- endfor %}
        source_halves.role_arn_with_path,
        source_halves.source_principal_id,
        role_halves.event_id as role_event_id,
        source_halves.event_id as source_event_id
    from role_halves
    left join halves as source_halves
        on role_halves.source_half_id = source_halves.half_id
),

led_by_source_half as (
    select
        half_id as switch_key,
        event_id as role_switch_id,
        switched_at,
        'source account' as seen_in,
        outcome,
        {%- for column in of_either_half %}
            {{ column }},
        {%- endfor %}
        {%- for column in of_leading_half %}
            {{ column }},
        {%- endfor %}
        role_arn_with_path,
        source_principal_id,
        cast(null as varchar) as role_event_id,
        event_id as source_event_id
    from single_source_halves
),

switches as (
    select * from led_by_role_half
    union all
    select * from led_by_source_half
)

select * from switches
