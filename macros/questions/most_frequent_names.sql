{#- CTEs that pick the names to propose where a question asked for a name that nobody has: of each kind
    the ten with most entries. A kind is left out if the name that was asked for is among its names. The
    last CTE is `most_frequent_names`.

    names: a CTE with `kind`, `known_name`, `entry_count` and `is_given`, 1 for the name that was asked
    for. -#}
{% macro most_frequent_names(names) -%}
    ranked_names as (

        select
            kind,
            known_name,
            entry_count,
            row_number() over (
                partition by kind
                order by
                    case when known_name is null then 1 else 0 end asc,
                    entry_count desc,
                    known_name asc
            ) as name_rank,
            count(known_name) over (partition by kind) as name_count,
            max(is_given) over (partition by kind) as is_given
        from {{ names }}

    ),

    most_frequent_names as (

        select
            kind,
            known_name,
            entry_count,
            name_count
        from ranked_names
        where is_given = 0 and name_rank <= 10 and known_name is not null

    )
{%- endmacro %}
