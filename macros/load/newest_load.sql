{#- When the newest load was that took a file, as the ledger has it: no log is read for that. Before
    the first one there is no ledger to ask, and dbt takes a null for infinitely long ago. -#}
{% macro newest_load() -%}
    {%- set log_reads = store_relation('log_reads') -%}
    {%- if log_reads -%}
        select max(loaded_at) as loaded_at
        from {{ log_reads }}
        where status in ('loaded', 'empty')
    {%- else -%}
        {%- do exceptions.warn(
            'Nothing was ever loaded: `rolecall refresh` or `dbt build` loads logs.'
        ) -%}
        select cast(null as timestamp) as loaded_at
    {%- endif -%}
{%- endmacro %}
