{#- The resources of a record as JSON text, `[{"arn","account_id","type"}]`, null where the record
    has none. -#}
{% macro resources_json(resources) -%}
    {{ return(adapter.dispatch('resources_json')(resources)) }}
{%- endmacro %}

{% macro duckdb__resources_json(resources) -%}
    cast(
        to_json(list_transform(
            {{ resources }},
            lambda resource: struct_pack(
                arn := resource.arn, account_id := resource.accountid, type := resource.type
            )
        )) as varchar
    )
{%- endmacro %}

{% macro athena__resources_json(resources) -%}
    json_format(
        cast(
            transform(
                {{ resources }},
                resource -> cast(
                    row(resource.arn, resource.accountid, resource.type)
                    as row(arn varchar, account_id varchar, type varchar)
                )
            ) as json
        )
    )
{%- endmacro %}
