{#- The condition that picks the loads which `events` has and this model lacks, so that a run that
    died half-way is completed by the next. Two days before this model's newest load are looked
    at again: no run lasts longer, and the store of years is not read each time. -#}
{% macro unprocessed_loads() -%}
    {%- if is_incremental() -%}
        loaded_at >= (
            select
                coalesce(
                    max(loaded_at) - interval '2' day,
                    timestamp '1970-01-01 00:00:00'
                )
            from {{ this }}
        )
        and load_id not in (select distinct load_id from {{ this }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
