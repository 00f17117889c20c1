-- Who used a role before the window but not in it has times_used 0. A session
-- that began before the first day and went on in it counts as well.
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
    *,
    times_used = 0 as is_unused
from reviewed
order by actor_name, actor_arn, role_account_id, role_name, role_arn
