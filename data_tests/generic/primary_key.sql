{#- No part of the key is null, and no key is there twice: in one statement, as Athena bills each
    statement for 10 MB at least. -#}
{% test primary_key(model, columns) %}

with

counted as (

    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}

),

broken as (

    select * from counted
    where
        row_count > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}

)

select * from broken

{% endtest %}
