-- RULES 4: the one actor behind all the sessions that an entry may have come
-- from; null where several people, or nobody, can be named.
{% set rounds = 3 -%}
with

several_parents as (select * from {{ ref('several_parents') }}),

-- Of these sessions some may have come from one of several themselves.
{% for round in range(1, rounds + 1) %}

    parents_in_round_{{ round }} as (
        select
            parents.entry_key,
            {% if loop.first -%}
                parents.actor_arn,
                parents.actor_type,
                case
                    when parents.depends_on_entry_key is null
                        then parents.actor_name
                end as actor_name,
                parents.confidence_rank
            {%- else -%}
                coalesce(parents.actor_arn, earlier.actor_arn) as actor_arn,
                case
                    when parents.depends_on_entry_key is null
                        then parents.actor_type
                    else coalesce(earlier.actor_type, 'unknown')
                end as actor_type,
                case
                    when parents.depends_on_entry_key is null
                        then parents.actor_name
                    else coalesce(earlier.actor_name, parents.source_identity)
                end as actor_name,
                case
                    when parents.depends_on_entry_key is null
                        then parents.confidence_rank
                    else coalesce(earlier.confidence_rank, 2)
                end as confidence_rank
            {%- endif %}
        from several_parents as parents
        {% if not loop.first %}
            left join named_in_round_{{ round - 1 }} as earlier
                on parents.depends_on_entry_key = earlier.entry_key
        {% endif %}
    ),

    compared_in_round_{{ round }} as (
        select
            entry_key,
            max(actor_arn) as actor_arn,
            max(actor_name) as actor_name,
            max(actor_type) as actor_type,
            min(confidence_rank) as confidence_rank,
            count(*) = count(actor_name)
            and count(
                distinct coalesce(actor_arn, '') || ' ' || actor_type || ' '
                || actor_name
            ) = 1 as is_one_actor
        from parents_in_round_{{ round }}
        group by entry_key
    ),

    named_in_round_{{ round }} as (
        select
            entry_key,
            case when is_one_actor then actor_arn end as actor_arn,
            case when is_one_actor then actor_name end as actor_name,
            case when is_one_actor then actor_type else 'unknown' end
                as actor_type,
            case when is_one_actor then least(confidence_rank, 2) end
                as confidence_rank
        from compared_in_round_{{ round }}
    ),

{% endfor %}

actors as (
    select * from named_in_round_{{ rounds }}
)

select * from actors
