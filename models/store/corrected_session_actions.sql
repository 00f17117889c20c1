{%- set key = session_action_key() -%}
with

session_actions as (select * from {{ ref('session_actions') }}),

session_action_revisions as (
    select * from {{ ref('session_action_revisions') }}
),

newest_revisions as (
    select
        load_id as revised_load_id,
        max(revision) as newest_revision
    from session_action_revisions
    group by 1
),

revised as (
    select session_action_revisions.*
    from session_action_revisions
    inner join newest_revisions
        on
            session_action_revisions.load_id = newest_revisions.revised_load_id
            and session_action_revisions.revision
            = newest_revisions.newest_revision
),

untouched as (
    select session_actions.*
    from session_actions
    left join revised
        on {{ same_key('session_actions', 'revised', key) }}
    where revised.load_id is null
),

corrected as (
    {% for relation in ('untouched', 'revised') -%}
        select
            {% for column in key -%}
                {{ column }},
            {% endfor -%}
            action_count,
            write_count,
            denied_count,
            first_action_at,
            last_action_at,
            {% for column in session_action_facts() -%}
                {{ column }},
            {% endfor -%}
            loaded_at
        from {{ relation }}
        where action_count > 0
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from corrected
