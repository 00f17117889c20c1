with

entries as (select * from {{ ref('entries') }}),

evidence as (select * from {{ ref('entry_evidence') }}),

session_keys as (select * from {{ ref('session_keys') }}),

key_counts as (
    select
        session_id,
        count(*) as key_count
    from session_keys
    group by 1
),

with_entrant as (
    select
        *,
        case
            when origin in ('switching user', 'switching root') then source_arn
            when origin in ('calling user', 'calling root') then caller_arn
            when
                origin = 'service'
                or (assumption_key is null and switch_key is null)
                then cast(null as varchar)
            when origin = 'role session' and caller_session_id = session_id
                then cast(null as varchar)
            -- Subjects are chosen by whoever runs their provider.
            else
                origin || ' '
                || coalesce(
                    case
                        when origin = 'role session' then caller_session_id
                        when origin = 'identity center' then role_session_name
                        when origin = 'roles anywhere' then origin
                        when origin = 'saml'
                            then
                                coalesce(web_identity_provider, '') || ' '
                                || coalesce(saml_subject, role_session_name)
                        when origin = 'web identity'
                            then
                                coalesce(web_identity_provider, '') || ' '
                                || web_identity_subject
                    end,
                    entrant_principal_id,
                    caller_arn,
                    source_arn,
                    entry_key
                )
        end as entered_by
    from evidence
),

with_issued_key as (
    select
        with_entrant.*,
        entries.activity_mfa,
        entries.passed_source_identity,
        entries.activity_source_identity,
        session_keys.access_key_id is not null as is_key_used,
        coalesce(key_counts.key_count, 0) as key_count
    from with_entrant
    left join entries
        on with_entrant.entry_key = entries.entry_key
    left join session_keys
        on
            with_entrant.session_id = session_keys.session_id
            and entries.issued_access_key_id = session_keys.access_key_id
    left join key_counts
        on with_entrant.session_id = key_counts.session_id
),

-- Of several ways into one session the one whose issued key acts is that of the
-- session; whose the keys are that none of them was issued nothing tells: the
-- console's, or such as were made from others.
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

-- Sessions of one role that are named alike and began in one second are one:
-- if two people entered it they cannot be told apart.
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

-- What is done in a session that two people entered tells of neither.
contests as (
    select
        entry_key,
        entered_by,
        is_key_used,
        may_lead,
        is_contested,
        case
            when may_lead and not is_contested then activity_mfa
        end as told_activity_mfa,
        coalesce(
            passed_source_identity,
            case
                when may_lead and not is_contested then activity_source_identity
            end
        ) as source_identity
    from with_contest
)

select * from contests
