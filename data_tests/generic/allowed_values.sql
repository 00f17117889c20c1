{#- Each column has one of its values or is null: like dbt's accepted_values, in one statement for all
    columns. `values` is a list for each column. -#}
{% test allowed_values(model, values) %}

with

unexpected as (

    select distinct {{ values | join(', ') }}
    from {{ model }}
    where
        {%- for column, allowed in values.items() %}
        {{ "or " if not loop.first }}{{ column }} not in ('{{ allowed | join("', '") }}')
        {%- endfor %}

)

select * from unexpected

{% endtest %}
