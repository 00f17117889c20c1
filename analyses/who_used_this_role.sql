-- A session that began before the first day and went on counts too.
select
    actor_name,
    actor_type,
    actor_confidence,
    actor_arn,
    role_account_id,
    role_name,
    count(*) as times_used,
    min(started_at) as first_used_at,
    max(coalesce(last_action_at, started_at)) as last_used_at,
    count(case when mfa = 'no' then 1 end) as times_without_mfa,
    cast(sum(action_count) as bigint) as action_count,
    cast(sum(write_count) as bigint) as write_count,
    cast(sum(denied_count) as bigint) as denied_count
from {{ ref('role_sessions') }}
where
    (
        lower(role_name) like :role escape '\'
        or lower(role_arn) like :role escape '\'
    )
    and (:account is null or role_account_id = :account)
    and (
        :from_day is null
        or started_at >= :from_day
        or last_action_at >= :from_day
    )
    and (:to_day is null or started_at < :to_day)
group by
    actor_name,
    actor_type,
    actor_confidence,
    actor_arn,
    role_account_id,
    role_name
order by
    last_used_at desc,
    actor_name asc,
    actor_arn asc,
    role_account_id asc,
    role_name asc
