{#- The time of the newest load that took a file, from the ledger: no log is read for it. Before the
    first load there is no ledger, and dbt takes a null as infinitely long ago. -#}
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
