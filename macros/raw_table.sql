{#- The raw table as the Glue catalogue has it, on Athena; none where there is no need or no way to
    ask. -#}
{% macro raw_table() -%}
    {%- if not execute or var('assume_incremental', none) is not none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = adapter.get_glue_table(api.Relation.create(
        database=target.database,
        schema=var('cloudtrail_schema'),
        identifier=var('cloudtrail_table')
    )) -%}
    {{ return(found['Table'] if found else none) }}
{%- endmacro %}
