{#- Accounts, regions and days of delivery that the command line passes in a variable, with the column
    `flag`. Accounts that have the same days share one item of `spans`. -#}
{% macro log_days_from_variable(spans, flag) -%}
    {%- for span in spans %}
    {{ 'union all' if not loop.first }}
    select
        cast({{ sql_text(span.root) }} as varchar) as log_root,
        cast(account_id as varchar) as account_id,
        cast({{ sql_text(span.region) }} as varchar) as aws_region,
        cast(delivered_date as date) as delivered_date,
        {{ 'true' if span[flag] else 'false' }} as {{ flag }}
    from
        unnest(split({{ sql_text(span.accounts | join(',')) }}, ','))
        as accounts (account_id)
    cross join
        unnest({{ days_between(
            'date ' ~ sql_text(span.first_day), 'date ' ~ sql_text(span.last_day)
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
