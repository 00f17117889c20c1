-- From the counts of all loads. Where a part of a count is outside of the
-- window, the events inside are counted instead.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}
    where
        {{ is_like_any('person', person_columns(has_source=false)) }}
        and (:to_day is null or started_at < :to_day)

),

session_actions as (

    select * from {{ ref('corrected_session_actions') }}
    where
        (:from_day is null or last_action_at >= :from_day)
        and (:to_day is null or first_action_at < :to_day)

),

replaced_events as (

    select * from {{ ref('replaced_events') }}

),

-- Without a window no event is read.
events as (

    select
        *,
        {{ session_principal_id() }} as principal_key,
        {{ session_access_key() }} as access_key,
        coalesce(event_source, '') as source_key,
        coalesce(event_name, '') as name_key,
        coalesce(aws_region, '') as region_key,
        coalesce(source_ip_address, '') as address_key
    from {{ ref('events') }}
    where
        (:from_day is not null or :to_day is not null)
        and (:from_day is null or event_at >= :from_day)
        and (:to_day is null or event_at < :to_day)
        and {{ is_session_action() }}

),

of_sessions as (

    select
        role_sessions.session_id,
        session_actions.load_id,
        session_actions.principal_id,
        session_actions.session_created_at,
        session_actions.access_key_id,
        session_actions.event_source,
        session_actions.event_name,
        session_actions.aws_region,
        session_actions.source_ip_address,
        session_actions.first_action_at,
        session_actions.last_action_at,
        session_actions.action_count,
        session_actions.write_count,
        session_actions.denied_count,
        coalesce(session_actions.first_action_at < :from_day, false)
        or coalesce(session_actions.last_action_at >= :to_day, false)
            as is_cut
    from role_sessions
    inner join session_actions
        on {{ is_of_session('session_actions') }}

),

whole as (

    select
        session_id,
        event_source,
        event_name,
        aws_region,
        first_action_at,
        last_action_at,
        action_count,
        write_count,
        denied_count
    from of_sessions
    where not is_cut

),

cut as (

    select
        of_sessions.session_id,
        of_sessions.event_source,
        of_sessions.event_name,
        of_sessions.aws_region,
        events.event_at as first_action_at,
        events.event_at as last_action_at,
        1 as action_count,
        case
            when {{ is_write('events.is_read_only', 'events.event_name') }}
                then 1
            else 0
        end as write_count,
        case when {{ is_denied('events.error_code') }} then 1 else 0 end
            as denied_count
    from of_sessions
    inner join events
        on
            of_sessions.load_id = events.load_id
            and of_sessions.principal_id = events.principal_key
            and of_sessions.access_key_id = events.access_key
            and of_sessions.session_created_at = events.session_created_at
            and of_sessions.event_source = events.source_key
            and of_sessions.event_name = events.name_key
            and of_sessions.aws_region = events.region_key
            and of_sessions.source_ip_address = events.address_key
    left join replaced_events
        on
            events.event_id = replaced_events.event_id
            and events.recipient_account_id
            = replaced_events.recipient_account_id
    where of_sessions.is_cut and replaced_events.event_id is null

),

counted as (

    select * from whole
    union all
    select * from cut

),

done as (

    select
        role_sessions.started_at,
        role_sessions.actor_name,
        role_sessions.actor_confidence,
        role_sessions.role_account_id,
        role_sessions.role_name,
        role_sessions.role_session_name,
        role_sessions.source_identity,
        counted.event_source,
        counted.event_name,
        counted.aws_region,
        min(counted.first_action_at) as first_action_at,
        max(counted.last_action_at) as last_action_at,
        cast(sum(counted.action_count) as bigint) as action_count,
        cast(sum(counted.write_count) as bigint) as write_count,
        cast(sum(counted.denied_count) as bigint) as denied_count,
        role_sessions.session_id
    from role_sessions
    left join counted
        on role_sessions.session_id = counted.session_id
    where
        counted.session_id is not null
        or :from_day is null
        or role_sessions.started_at >= :from_day
    group by
        role_sessions.started_at,
        role_sessions.actor_name,
        role_sessions.actor_confidence,
        role_sessions.role_account_id,
        role_sessions.role_name,
        role_sessions.role_session_name,
        role_sessions.source_identity,
        counted.event_source,
        counted.event_name,
        counted.aws_region,
        role_sessions.session_id

)

select * from done
order by started_at, session_id, first_action_at, event_source, event_name
