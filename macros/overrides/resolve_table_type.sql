{#- What kind of table dbt-athena makes for a model: as the adapter does it, but a unit test makes
    the kind of the model that it tests, since the kinds differ in their precision of time. A unit
    test knows no model's configuration, only its own place: the store is Iceberg. -#}
{% macro resolve_table_type() -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return('iceberg' if '/store/' in model.original_file_path else 'hive') }}
    {%- endif -%}
    {{ return((config.get('table_type') or 'hive') | lower) }}
{%- endmacro %}
