{#- The longest chain or loop of corrections that is followed. -#}
{%- set longest = 8 -%}
with

event_corrections as (select * from {{ ref('event_corrections') }}),

links as (
    select
        event_id as linked_event_id,
        recipient_account_id as linked_account_id,
        original_event_id as next_event_id
    from event_corrections
),

-- A correction may be corrected itself. Each step goes on to the event that the
-- reached one corrects: it ends at the first of a chain, or goes round in a
-- loop.
steps_0 as (
    select
        *,
        original_event_id as reached_event_id,
        1 as hop_count,
        cast(null as varchar) as group_id
    from event_corrections
),

{% for step in range(1, 2 * longest + 1) %}

    links_of_{{ step }} as (
        select
            steps.*,
            links.next_event_id
        from steps_{{ step - 1 }} as steps
        left join links
            on
                steps.reached_event_id = links.linked_event_id
                and steps.recipient_account_id = links.linked_account_id
    ),

    steps_{{ step }} as (
        select
            event_id,
            recipient_account_id,
            original_event_id,
            identity_type,
            principal_id,
            event_source,
            event_at,
            session_created_at,
            is_assumed_root,
            delivered_date,
            log_file,
            correction_load_id,
            correction_loaded_at,
            original_event_at,
            original_session_created_at,
            is_original_assumed_root,
            original_load_id,
            original_loaded_at,
            coalesce(next_event_id, reached_event_id) as reached_event_id,
            hop_count + case when next_event_id is null then 0 else 1 end
                as hop_count,
            {% if step < longest -%}
                group_id
            {%- else -%}
                -- By now each step is at the end of its chain, or in its loop.
                least(
                    coalesce(group_id, next_event_id, reached_event_id),
                    coalesce(next_event_id, reached_event_id)
                ) as group_id
            {%- endif %}
        from links_of_{{ step }}
    ),

{% endfor %}

ranked_corrections as (
    select
        *,
        first_value(event_id) over (
            partition by recipient_account_id, group_id
            order by
                event_at desc,
                delivered_date desc,
                -- The time of delivery in the file's name.
                coalesce(
                    regexp_extract(
                        log_file, '_(\d{8}T\d{4,6}Z)[_.][^/]*$', 1
                    ),
                    ''
                ) desc,
                hop_count desc,
                event_id desc
        ) as replaced_by_event_id
    from steps_{{ 2 * longest }}
),

with_sides as (
    select
        ranked_corrections.*,
        sides.is_original
    from ranked_corrections
    cross join (values (true), (false)) as sides (is_original)
),

corrections_and_originals as (
    select
        case when is_original then original_event_id else event_id end
            as event_id,
        recipient_account_id,
        replaced_by_event_id,
        case when is_original then original_event_at else event_at end
            as event_at,
        identity_type,
        principal_id,
        event_source,
        case
            when is_original then original_session_created_at
            else session_created_at
        end as session_created_at,
        case
            when is_original then is_original_assumed_root
            else is_assumed_root
        end as is_assumed_root,
        case when is_original then original_load_id else correction_load_id end
            as load_id,
        case
            when is_original then original_loaded_at
            else correction_loaded_at
        end as loaded_at,
        is_original
    from with_sides
),

-- An original may have several corrections, and be one itself.
numbered as (
    select
        *,
        row_number() over (
            partition by event_id, recipient_account_id
            order by case when is_original then 1 else 0 end
        ) as side_number
    from corrections_and_originals
    where event_id <> replaced_by_event_id
),

replaced as (
    select
        event_id,
        recipient_account_id,
        replaced_by_event_id,
        {{ store_timestamp('event_at') }} as event_at,
        {{ is_session_action() }} as is_session_action,
        load_id,
        {{ store_timestamp('loaded_at') }} as loaded_at
    from numbered
    where side_number = 1
)

select * from replaced
