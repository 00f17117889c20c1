{#- What became of each log file that this load opened. -#}
{% macro log_files_read() -%}
    {{ return(adapter.dispatch('log_files_read')()) }}
{%- endmacro %}

{#- The reader of the local source keeps account, for files without a record too. -#}
{% macro duckdb__log_files_read() -%}
    select
        log_file,
        log_root,
        account as account_id,
        region as aws_region,
        delivered_date,
        status,
        problem,
        record_count,
        size_bytes,
        modified_at,
        {{ load_id() }} as load_id,
        {{ loaded_at() }} as loaded_at
    from {{ source('cloudtrail', 'cloudtrail_log_reads') }}
{%- endmacro %}

{#- Athena shows a file by its records alone: one that has none is never seen. -#}
{% macro athena__log_files_read() -%}
    select
        log_file,
        cast(null as varchar) as log_root,
        arbitrary(log_file_account_id) as account_id,
        arbitrary(log_file_region) as aws_region,
        arbitrary(delivered_date) as delivered_date,
        cast('loaded' as varchar) as status,
        cast(null as varchar) as problem,
        count(*) as record_count,
        cast(null as bigint) as size_bytes,
        cast(null as timestamp(3)) as modified_at,
        -- As stamped there: this may be another run of dbt than the one that read the logs.
        arbitrary(load_id) as load_id,
        arbitrary(loaded_at) as loaded_at
    from {{ ref('stg_cloudtrail__events') }}
    group by log_file
{%- endmacro %}
