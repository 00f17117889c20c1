{%- set key = session_action_key() -%}
with

replaced_events as (
    select * from {{ ref('replaced_events') }}
    where is_session_action
),

-- A replaced event stays replaced, so that their number grows with each
-- revision.
revisions as (
    select
        load_id as revised_load_id,
        count(*) as revision
    from replaced_events
    group by 1
),

events as (
    select * from {{ ref('events') }}
    where {{ unrevised_loads() }}
),

actions as (
    select
        events.*,
        revisions.revision,
        replaced_events.event_id is not null as is_replaced
    from events
    inner join revisions
        on events.load_id = revisions.revised_load_id
    left join replaced_events
        on
            events.event_id = replaced_events.event_id
            and events.recipient_account_id
            = replaced_events.recipient_account_id
    where {{ is_session_action('events.') }}
),

replaced_actions as (
    select * from actions
    where is_replaced
),

actions_that_stand as (
    select * from actions
    where not is_replaced
),

touched as (
    {{ counted_session_actions('replaced_actions') }}
),

counted as (
    {{ counted_session_actions('actions_that_stand') }}
),

-- A row without any action that stands has counts of 0.
revised as (
    select
        ---------- key
        {% for column in key -%}
            touched.{{ column }},
        {% endfor -%}
        revisions.revision,

        ---------- the actions
        coalesce(counted.action_count, 0) as action_count,
        coalesce(counted.write_count, 0) as write_count,
        coalesce(counted.denied_count, 0) as denied_count,
        counted.first_action_at,
        counted.last_action_at,

        ---------- what they tell of the session
        {% for column in session_action_facts() -%}
            counted.{{ column }},
        {% endfor %}
        ---------- when it was loaded
        touched.loaded_at

    from touched
    inner join revisions
        on touched.load_id = revisions.revised_load_id
    left join counted
        on {{ same_key('touched', 'counted', key) }}
)

select * from revised
