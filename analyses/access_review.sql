-- Somebody who used a role only before the window has times_used 0. A session
-- that began before the first day and went on counts too. Only days with logs
-- of the role's account prove that it was not used.
with

role_sessions as (

    select
        *,
        :from_day is null
        or started_at >= :from_day
        or last_action_at >= :from_day as is_in_window
    from {{ ref('role_sessions') }}
    where
        (:account is null or role_account_id = :account)
        and (:to_day is null or started_at < :to_day)

),

-- An account lacks the logs that a region lacks. A region without any was idle.
account_days as (

    select
        account_id,
        delivered_date,
        max(case when is_account_logged then 1 else 0 end) as is_logged,
        max(
            case
                when status in ('partial', 'archived') then 1
                when status = 'no logs' and unreadable_file_count > 0 then 1
                else 0
            end
        ) as is_partial
    from {{ ref('log_coverage') }}
    where
        (:from_day is null or delivered_date >= cast(:from_day as date))
        and (
            :to_day is null
            or cast(delivered_date as timestamp) < :to_day
        )
    group by account_id, delivered_date

),

logged_days as (

    select
        account_id,
        count(*) as day_count
    from account_days
    where is_logged = 1 and is_partial = 0
    group by account_id

),

reviewed as (

    select
        actor_name,
        actor_type,
        actor_arn,
        role_account_id,
        role_name,
        role_arn,
        count(case when is_in_window then 1 end) as times_used,
        max(coalesce(last_action_at, started_at)) as last_used_at,
        cast(
            coalesce(sum(case when is_in_window then action_count end), 0)
            as bigint
        ) as action_count,
        cast(
            coalesce(sum(case when is_in_window then write_count end), 0)
            as bigint
        ) as write_count,
        cast(
            coalesce(sum(case when is_in_window then denied_count end), 0)
            as bigint
        ) as denied_count,
        count(case when is_in_window and mfa = 'no' then 1 end)
            as times_without_mfa
    from role_sessions
    group by
        actor_name,
        actor_type,
        actor_arn,
        role_account_id,
        role_name,
        role_arn

)

select
    reviewed.*,
    coalesce(logged_days.day_count, 0) as days_with_logs,
    case
        when reviewed.times_used > 0 then false
        when logged_days.day_count > 0 then true
    end as is_unused
from reviewed
left join logged_days
    on reviewed.role_account_id = logged_days.account_id
order by
    reviewed.actor_name,
    reviewed.actor_arn,
    reviewed.role_account_id,
    reviewed.role_name,
    reviewed.role_arn
