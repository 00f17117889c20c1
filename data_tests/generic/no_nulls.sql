{#- No value of these columns is null: like dbt's not_null, in one statement for all of them. -#}
{% test no_nulls(model, columns) %}

with

incomplete as (

    select {{ columns | join(', ') }}
    from {{ model }}
    where {% for column in columns %}{{ "or " if not loop.first }}{{ column }} is null {% endfor %}

)

select * from incomplete

{% endtest %}
