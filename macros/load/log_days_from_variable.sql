{#- Accounts, regions and days of delivery that the command line tells in a variable, and in the
    column `flag` what of them. Accounts that have the same days share one of `spans`. -#}
{% macro told_log_days(spans, flag) -%}
    {%- for told in spans %}
    {{ 'union all' if not loop.first }}
    select
        cast({{ sql_text(told.root) }} as varchar) as log_root,
        cast(account_id as varchar) as account_id,
        cast({{ sql_text(told.region) }} as varchar) as aws_region,
        cast(delivered_date as date) as delivered_date,
        {{ 'true' if told[flag] else 'false' }} as {{ flag }}
    from
        unnest(split({{ sql_text(told.accounts | join(',')) }}, ','))
        as accounts (account_id)
    cross join
        unnest({{ days_between(
            'date ' ~ sql_text(told.first_day), 'date ' ~ sql_text(told.last_day)
        ) }}) as days (delivered_date)
    {%- else %}
    select
        cast(null as varchar) as log_root,
        cast(null as varchar) as account_id,
        cast(null as varchar) as aws_region,
        cast(null as date) as delivered_date,
        cast(null as boolean) as {{ flag }}
    where false
    {%- endfor %}
{%- endmacro %}
