{#- A relation of the store or of staging as it was before this load; none on the first load. Staging
    looks back to the store only here, as a `ref` would make a circle. The graph knows where a model
    lies: a project that has this one as a package may give models another schema. -#}
{% macro store_relation(name) -%}
    {%- set node = graph.get('nodes', {}).get('model.rolecall.' ~ name) if execute -%}
    {%- set relation = api.Relation.create(
        database=node.database if node else target.database,
        schema=node.schema if node else target.schema,
        identifier=node.alias if node else name
    ) -%}
    {%- set assumed = var('assume_incremental', none) -%}
    {%- if assumed is none -%}
        {{ return(load_relation(relation)) }}
    {%- endif -%}
    {{ return(relation if assumed else none) }}
{%- endmacro %}
