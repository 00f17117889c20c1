{#- What became of each log file that this load opened. -#}
{% macro log_files_read() -%}
    {{ return(adapter.dispatch('log_files_read')()) }}
{%- endmacro %}

{#- The reader of the local source notes each file, even one without a record. -#}
{% macro duckdb__log_files_read() -%}
    select
        log_file,
        log_root,
        account as account_id,
        region as aws_region,
        delivered_date,
        status,
        {{ redacted_text('problem') }} as problem,
        record_count,
        size_bytes,
        modified_at,
        sha256,
        repeated_list_record_count,
        {{ load_id() }} as load_id,
        {{ loaded_at() }} as loaded_at
    from {{ source('cloudtrail', 'cloudtrail_log_reads') }}
{%- endmacro %}

{#- Athena shows a file only by its records: a file without a record is never seen, and an unreadable
    file is known from the variable that left it out. -#}
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
        cast(null as varchar) as sha256,
        cast(null as bigint) as repeated_list_record_count,
        {{ load_id() }} as load_id,
        {{ loaded_at() }} as loaded_at
    from {{ ref('stg_cloudtrail__events') }}
    group by log_file
    {%- for path, problem in var('skip_log_files').items() %}
    union all
    select
        {{ log_file() }} as log_file,
        cast(null as varchar) as log_root,
        {{ log_file_account() }} as account_id,
        {{ log_file_region() }} as aws_region,
        {{ log_file_delivered_date() }} as delivered_date,
        cast('unreadable' as varchar) as status,
        cast({{ sql_text(problem) }} as varchar) as problem,
        cast(null as bigint) as record_count,
        cast(null as bigint) as size_bytes,
        cast(null as timestamp(3)) as modified_at,
        cast(null as varchar) as sha256,
        cast(null as bigint) as repeated_list_record_count,
        {{ load_id() }} as load_id,
        {{ loaded_at() }} as loaded_at
    from (select {{ sql_text(path) }} as "$path") as skipped
    {%- endfor %}
{%- endmacro %}
