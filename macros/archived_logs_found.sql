{#- The log files that whoever runs this load found to be archived in Glacier, and not loaded, by
    account, region and day of delivery; and the days that have none of them any more. -#}
{% macro archived_logs_found() -%}
    {{ return(adapter.dispatch('archived_logs_found')()) }}
{%- endmacro %}

{#- A folder has no archive. -#}
{% macro duckdb__archived_logs_found() -%}
    {{ no_archived_logs() }}
{%- endmacro %}

{#- Athena passes them over without a word. The command line lists the bucket, and says in the
    variable `archived_logs` what it found: accounts that have the same days share a row. -#}
{% macro athena__archived_logs_found() -%}
    {%- for found in var('archived_logs') %}
    {{ 'union all' if not loop.first }}
    select
        cast({{ sql_text(found.root) }} as varchar) as log_root,
        cast(account_id as varchar) as account_id,
        cast({{ sql_text(found.region) }} as varchar) as aws_region,
        cast(delivered_date as date) as delivered_date,
        {{ 'true' if found.is_archived else 'false' }} as is_archived
    from
        unnest(split({{ sql_text(found.accounts | join(',')) }}, ','))
        as accounts (account_id)
    cross join
        unnest({{ days_between(
            'date ' ~ sql_text(found.first_day), 'date ' ~ sql_text(found.last_day)
        ) }}) as days (delivered_date)
    {%- else %}
    {{ no_archived_logs() }}
    {%- endfor %}
{%- endmacro %}

{% macro no_archived_logs() -%}
    select
        cast(null as varchar) as log_root,
        cast(null as varchar) as account_id,
        cast(null as varchar) as aws_region,
        cast(null as date) as delivered_date,
        cast(null as boolean) as is_archived
    where false
{%- endmacro %}
