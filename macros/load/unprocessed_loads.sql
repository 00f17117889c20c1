{#- The condition that picks the loads which `events` has and this model lacks, so that a run that
    died half-way is completed by the next. -#}
{% macro unprocessed_loads() -%}
    {%- if is_incremental() -%}
        {{ adapter.dispatch('unprocessed_loads')() }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__unprocessed_loads() -%}
    {{ is_of_unprocessed_load() }}
{%- endmacro %}

{#- As literals: Athena then opens only the files of these loads, by the statistics of each file. -#}
{% macro athena__unprocessed_loads() -%}
    {#- The fixtures of a unit test are not tables, and cannot be queried here. -#}
    {%- if not can_ask() or model.resource_type == 'unit_test' -%}
        {{ return(is_of_unprocessed_load()) }}
    {%- endif -%}
    {%- set loads = run_query(
        'select load_id, cast(min(loaded_at) as varchar) as loaded_at from '
        ~ ref('events') ~ ' where ' ~ is_of_unprocessed_load() ~ ' group by load_id'
    ).rows -%}
    {%- if not loads -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for load in loads -%}
        {%- do names.append(sql_text(load['load_id'])) -%}
    {%- endfor -%}
    {%- set first_loaded_at = loads | map(attribute='loaded_at') | min -%}
    loaded_at >= timestamp {{ sql_text(first_loaded_at) }}
    and load_id in ({{ names | join(', ') }})
{%- endmacro %}

{#- Two days before this model's newest load are looked at again: no run lasts longer, and the store
    of years is not read each time. -#}
{% macro is_of_unprocessed_load() -%}
    loaded_at >= (
        select
            coalesce(
                max(loaded_at) - interval '2' day,
                timestamp '1970-01-01 00:00:00'
            )
        from {{ this }}
    )
    and load_id not in (select distinct load_id from {{ this }})
{%- endmacro %}
