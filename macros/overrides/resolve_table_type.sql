{#- Replaces dbt-athena's macro of that name: dbt-athena 1.11.1,
    dbt/include/athena/macros/materializations/models/helpers/resolve_table_type.sql.

    What kind of table dbt-athena makes for a model: as the adapter does it for models that name
    `table_type`, as all do here; catalogs (`catalog_name`) are left out. But a unit test makes the kind
    of the model that it tests, since the kinds differ in their precision of time. A unit test knows no
    model's configuration, only its own path: the store is Iceberg. -#}
{% macro resolve_table_type() -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return('iceberg' if '/store/' in model.original_file_path else 'hive') }}
    {%- endif -%}
    {{ return((config.get('table_type') or 'hive') | lower) }}
{%- endmacro %}
