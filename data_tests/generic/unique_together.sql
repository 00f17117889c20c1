{% test unique_together(model, columns) %}

with

repeated as (

    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1

)

select * from repeated

{% endtest %}
