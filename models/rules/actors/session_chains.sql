-- RULES 4: parents are followed upwards, each by one more join and never in a
-- loop: Athena has no recursion to rely on.
{% set depth = 8 -%}
with

parents as (
    select * from {{ ref('entry_parents') }}
    where parent_count = 1
),

session_parents as (select * from {{ ref('session_parents') }}),

chains_after_1 as (
    select
        entry_key,
        parent_session_id as root_session_id,
        1 as hop_count,
        coalesce(parent_session_id = session_id, false) as is_cut,
        not is_exact as is_likely,
        cast(null as varchar) as source_identity,
        '|' || coalesce(session_id, '') || '|' || parent_session_id || '|'
            as passed
    from parents
),

{% for hop in range(2, depth + 2) %}

    parents_of_{{ hop }} as (
        select
            chains.*,
            parents.parent_session_id,
            parents.source_identity as parent_source_identity,
            not parents.is_exact as is_parent_likely,
            parents.parent_session_id is not null
            and not chains.is_cut
            and strpos(
                chains.passed, '|' || parents.parent_session_id || '|'
            ) = 0
            -- The last step asks only whether there is one beyond.
            and {{ hop }} <= {{ depth }} as is_followed
        from chains_after_{{ hop - 1 }} as chains
        left join session_parents as parents
            on chains.root_session_id = parents.session_id
    ),

    chains_after_{{ hop }} as (
        select
            entry_key,
            case
                when is_followed then parent_session_id
                else root_session_id
            end as root_session_id,
            hop_count + case when is_followed then 1 else 0 end as hop_count,
            is_cut or (parent_session_id is not null and not is_followed)
                as is_cut,
            is_likely or (is_followed and is_parent_likely) as is_likely,
            coalesce(
                source_identity,
                case when is_followed then parent_source_identity end
            ) as source_identity,
            case
                when is_followed then passed || parent_session_id || '|'
                else passed
            end as passed
        from parents_of_{{ hop }}
    ),

{% endfor %}

chains as (
    select
        entry_key,
        root_session_id,
        hop_count,
        is_cut,
        is_likely,
        source_identity
    from chains_after_{{ depth + 1 }}
)

select * from chains
