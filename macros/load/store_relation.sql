{#- A relation of the store as it was before this load; none on the first load. Staging looks back to
    the store only here, as a `ref` would make a circle. -#}
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
