{%- set match_limit = 1000 * var('session_match_seconds') -%}
{%- set pairing_limit = 1000 * var('switch_pairing_seconds') -%}
with

console_switches as (
    select
        *,
        outcome = 'failure' as is_refused
    from {{ ref('console_switches') }}
),

-- The console assumes roles from AWS's addresses, which are logged as names. A
-- program assumes them from an IP address.
assumptions as (
    select
        *,
        outcome = 'failure' as is_refused,
        not is_by_console
        and {{ is_ip_address('source_ip_address') }} as is_of_program
    from {{ ref('assumptions') }}
),

-- A switch names its assumption in two ways. The role half names the session,
-- the source half names caller and role: each by principal id, else by ARN.
{{ rows_by_name(
    'switch_keys', 'console_switches', key='switch_key', time='switched_at',
    carried=['is_refused'],
    columns=['first_name', 'second_name', 'third_name'],
    names=[
        ('session', ['role_principal_id', "''", "''"], 'true'),
        (
            'session ARN',
            ['role_account_id', 'role_name', 'role_session_name'],
            'role_principal_id is null'
        ),
        (
            'caller',
            ['role_account_id', 'role_name', 'source_principal_id'],
            "seen_in = 'source account' or is_refused"
        ),
        (
            'caller ARN',
            ['role_account_id', 'role_name', 'source_arn'],
            "seen_in = 'source account' or is_refused"
        ),
    ]
) }},

{{ rows_by_name(
    'assumption_keys', 'assumptions', key='assumption_key', time='assumed_at',
    carried=['is_refused'],
    columns=['first_name', 'second_name', 'third_name'],
    names=[
        ('session', ['principal_id', "''", "''"], 'not is_of_program'),
        (
            'session ARN',
            ['role_account_id', 'role_name', 'role_session_name'],
            'not is_of_program'
        ),
        (
            'caller',
            ['role_account_id', 'role_name', 'caller_principal_id'],
            'is_by_console'
        ),
        (
            'caller ARN',
            ['role_account_id', 'role_name', 'caller_arn'],
            'is_by_console'
        ),
    ]
) }},

{{ near_in_time(
    'near', 'assumption_keys', 'switch_keys',
    keys=[
        'named_by', 'first_name', 'second_name', 'third_name', 'is_refused'
    ]
) }},

possible as (
    select
        console_switches.switch_key,
        console_switches.switched_at,
        console_switches.role_switch_id,
        assumptions.assumption_key,
        assumptions.assumed_at,
        assumptions.role_assumption_id,
        near.named_by in ('session', 'session ARN') as is_of_session,
        -- Switches with a role half go before source halves without a twin.
        case
            when near.named_by in ('caller', 'caller ARN') then 2
            when
                near.named_by = 'session'
                and console_switches.source_arn = assumptions.caller_arn
                then 0
            else 1
        end as doubt,
        {{ milliseconds_apart('near.sought_at', 'near.seeker_at') }} as apart
    from near
    inner join console_switches
        on near.sought = console_switches.switch_key
    inner join assumptions
        on near.seeker = assumptions.assumption_key
    where
        case
            when near.named_by in ('session', 'session ARN')
                then {{ same_entrant('console_switches', 'assumptions') }}
            when near.named_by = 'caller ARN'
                then
                    console_switches.source_principal_id is null
                    or assumptions.caller_principal_id is null
            else true
        end
),

-- The session was assumed in the same second or two.
candidates as (
    select * from possible
    where
        apart <= case
            when is_of_session then {{ match_limit }}
            else {{ pairing_limit }}
        end
),

-- One round for each of the two surer kinds of match, three for the last kind,
-- as in switch_pairs.
{{ mutually_nearest(
    'candidates',
    left='switch_key',
    right='assumption_key',
    nearest_by=['doubt', 'apart'],
    left_ties=['switched_at', 'role_switch_id'],
    right_ties=['assumed_at', 'role_assumption_id'],
    rounds=5
) }}

select * from nearest_pairs
