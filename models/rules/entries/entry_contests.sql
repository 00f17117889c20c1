with

entries as (select * from {{ ref('entries') }}),

entrants as (select * from {{ ref('entry_entrants') }}),

session_keys as (select * from {{ ref('session_keys') }}),

key_counts as (
    select
        session_id,
        count(*) as key_count
    from session_keys
    group by 1
),

with_issued_key as (
    select
        entrants.*,
        entries.activity_mfa,
        entries.passed_source_identity,
        entries.activity_source_identity,
        session_keys.access_key_id is not null as is_key_used,
        coalesce(key_counts.key_count, 0) as key_count
    from entrants
    left join entries
        on entrants.entry_key = entries.entry_key
    left join session_keys
        on
            entrants.session_id = session_keys.session_id
            and entries.issued_access_key_id = session_keys.access_key_id
    left join key_counts
        on entrants.session_id = key_counts.session_id
),

-- Of several entries into one session, one whose issued key acts leads. A key
-- that none of them was issued may be anybody's: the console made it, or
-- somebody made it from another key.
with_keys as (
    select
        *,
        max(
            case when is_key_used and not is_service_session then 1 else 0 end
        ) over (partition by session_id) = 1 as is_any_key_used,
        key_count > sum(case when is_key_used then 1 else 0 end)
            over (partition by session_id) as is_other_key_used
    from with_issued_key
),

with_lead as (
    select
        *,
        session_id is null
        or not is_any_key_used
        or is_key_used
        or is_other_key_used
            as may_lead
    from with_keys
),

-- Sessions of one role that have one name and began in one second are one: two
-- people who entered it cannot be told apart.
with_contest as (
    select
        *,
        coalesce(
            session_id is not null
            and min(case when may_lead then entered_by end)
                over (partition by session_id)
            <> max(case when may_lead then entered_by end)
                over (partition by session_id),
            false
        ) as is_contested
    from with_lead
),

-- The actions of a session that two people entered say nothing of either.
contests as (
    select
        entry_key,
        entered_by,
        is_key_used,
        may_lead,
        is_contested,
        case
            when may_lead and not is_contested then activity_mfa
        end as own_activity_mfa,
        coalesce(
            passed_source_identity,
            case
                when may_lead and not is_contested then activity_source_identity
            end
        ) as source_identity
    from with_contest
)

select * from contests
