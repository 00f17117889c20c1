with

sessions as (
    select * from {{ ref('sessions') }}
    {% if not var('include_service_sessions') %}
        where not is_service_session
    {% endif %}
),

entry_actors as (select * from {{ ref('entry_actors') }}),

addresses as (select * from {{ ref('session_addresses') }}),

renewals as (select * from {{ ref('session_renewals') }}),

exits as (
    select
        session_id,
        min(event_at) as exited_at
    from {{ ref('session_console_events') }}
    where event_name = 'ExitRole'
    group by 1
),

accounts_with_data_events as (
    select distinct recipient_account_id as account_id
    from {{ ref('account_activity') }}
    where data_event_count > 0
),

joined as (
    select
        ---------- key
        sessions.session_id,
        sessions.principal_id,
        sessions.started_at,
        sessions.start_method,
        sessions.role_switch_id,
        sessions.assume_role_event_id,

        ---------- the role
        sessions.role_account_id,
        sessions.role_name,
        sessions.role_arn,
        sessions.role_session_name,

        ---------- the chain
        entry_actors.parent_session_id,
        entry_actors.root_session_id,
        entry_actors.chain_depth,

        ---------- who is behind it
        uncontested_actors.actor_arn,
        uncontested_actors.actor_name,
        coalesce(uncontested_actors.actor_type, 'unknown') as actor_type,
        uncontested_actors.actor_method,
        uncontested_actors.actor_confidence,
        uncontested_actors.source_identity,

        ---------- with MFA or not
        coalesce(uncontested_actors.mfa, 'unknown') as mfa,
        uncontested_actors.mfa_evidence,

        ---------- from where
        addresses.source_ip_address,
        addresses.address_evidence,

        ---------- the actions
        sessions.first_action_at,
        sessions.last_action_at,
        sessions.action_count,
        sessions.write_count,
        sessions.denied_count,
        sessions.source_ip_count,
        accounts_with_data_events.account_id is not null as has_data_events,

        ---------- its end
        sessions.expires_at,
        exits.exited_at,
        coalesce(renewals.renewal_count, 0) as renewal_count,
        sessions.is_service_session,
        sessions.is_contested

    from sessions
    inner join entry_actors
        on sessions.entry_key = entry_actors.entry_key
    -- Nobody is named in a session that two people entered.
    left join entry_actors as uncontested_actors
        on sessions.actor_entry_key = uncontested_actors.entry_key
    left join addresses
        on sessions.session_id = addresses.session_id
    left join renewals
        on sessions.session_id = renewals.session_id
    left join exits
        on sessions.session_id = exits.session_id
    left join accounts_with_data_events
        on
            sessions.role_account_id = accounts_with_data_events.account_id
)

select * from joined
