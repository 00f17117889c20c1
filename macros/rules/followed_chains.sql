{#- CTEs that follow parents upwards, `depth` of them and never in a loop, each by one more join:
    Athena has no recursion to rely on. The last CTE is `followed_chains`, one row per row of
    `entries`, with its columns `entry_key`, `root_session_id` (the last session that was reached),
    `hop_count`, `is_cut` (that session has a parent), `is_likely` (a link was not exact) and
    `source_identity` (the nearest one below the root).

    entries: a CTE with `entry_key`, `session_id`, `parent_session_id`, `is_exact`.
    session_parents: a model with `session_id`, `parent_session_id`, `is_exact`,
    `source_identity`: the sessions that have a parent. -#}
{% macro followed_chains(entries, session_parents, depth) -%}
    chains_after_1 as (
        select
            entry_key,
            parent_session_id as root_session_id,
            1 as hop_count,
            coalesce(parent_session_id = session_id, false) as is_cut,
            not is_exact as is_likely,
            cast(null as varchar) as source_identity,
            '|' || coalesce(session_id, '') || '|' || parent_session_id || '|' as path
        from {{ entries }}
    ),
    {%- for hop in range(2, depth + 2) %}
    {%- set last = loop.last %}

    parents_of_{{ hop }} as (
        select
            chains.*,
            parents.parent_session_id,
            parents.source_identity as parent_source_identity,
            not parents.is_exact as is_parent_likely,
            parents.parent_session_id is not null
            and not chains.is_cut
            and strpos(chains.path, '|' || parents.parent_session_id || '|') = 0 as is_followed
        from chains_after_{{ hop - 1 }} as chains
        left join {{ session_parents }} as parents
            on chains.root_session_id = parents.session_id
    ),

    chains_after_{{ hop }} as (
        select
            entry_key,
            {%- if last %}
            root_session_id,
            hop_count,
            is_cut or parent_session_id is not null as is_cut,
            is_likely,
            source_identity,
            path
            {%- else %}
            case when is_followed then parent_session_id else root_session_id end
                as root_session_id,
            case when is_followed then hop_count + 1 else hop_count end as hop_count,
            is_cut or (parent_session_id is not null and not is_followed) as is_cut,
            is_likely or (is_followed and is_parent_likely) as is_likely,
            coalesce(
                source_identity, case when is_followed then parent_source_identity end
            ) as source_identity,
            case when is_followed then path || parent_session_id || '|' else path end as path
            {%- endif %}
        from parents_of_{{ hop }}
    ),
    {%- endfor %}

    followed_chains as (
        select * from chains_after_{{ depth + 1 }}
    )
{%- endmacro %}
