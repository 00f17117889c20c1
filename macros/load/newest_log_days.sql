{#- The newest row of each trail, account, region and day of delivery in a table of log days. -#}
{% macro newest_log_days(entered_days) -%}
    select * from (
        select
            *,
            row_number() over (
                partition by log_root, account_id, aws_region, delivered_date
                order by loaded_at desc, load_id desc
            ) as times_ago
        from {{ entered_days }}
    ) as ranked
    where times_ago = 1
{%- endmacro %}
