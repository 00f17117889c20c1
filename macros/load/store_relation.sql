{#- A relation of the store as it was before this load, none on the first one. The one place that
    looks back from staging, where a `ref` would make a circle. -#}
{% macro store_relation(name) -%}
    {%- set relation = api.Relation.create(
        database=target.database, schema=target.schema, identifier=name
    ) -%}
    {%- set assumed = var('assume_incremental', none) -%}
    {%- if assumed is none -%}
        {{ return(load_relation(relation)) }}
    {%- endif -%}
    {{ return(relation if assumed else none) }}
{%- endmacro %}
