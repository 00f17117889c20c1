{#- The raw CloudTrail table on Athena. Not by source(): a unit test puts a fixture in its place. -#}
{% macro raw_relation() -%}
    {{ return(api.Relation.create(
        database=target.database,
        schema=var('cloudtrail_schema'),
        identifier=var('cloudtrail_table')
    )) }}
{%- endmacro %}
