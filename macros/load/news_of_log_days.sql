{#- The rows of `found`, the query of log_days_from_variable, that are new: days whose `flag` differs
    from the newest row in `known`, the table of earlier entries (none on the first run). A day that was
    never entered is new only if its flag is true. -#}
{% macro news_of_log_days(found, flag, known=none) -%}
    with

    found as (
        {{ found }}
    ),

    {% if known %}

        newest as (
            {{ newest_log_days(known) }}
        ),

    {% endif %}

    news as (
        select found.*
        from found
        {% if known %}
            left join newest
                on
                    found.log_root = newest.log_root
                    and found.account_id = newest.account_id
                    and found.aws_region = newest.aws_region
                    and found.delivered_date = newest.delivered_date
            where found.{{ flag }} <> coalesce(newest.{{ flag }}, false)
        {% else %}
            where found.{{ flag }}
        {% endif %}
    )

    select * from news
{%- endmacro %}
