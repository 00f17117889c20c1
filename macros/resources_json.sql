{#- The resources of a raw record as JSON text, `[{"arn","account_id","type"}]`, null where the
    record or the table has none. `fields` is what `raw_fields` gave. -#}
{% macro resources_json(fields) -%}
    {{ return(adapter.dispatch('resources_json')(fields)) }}
{%- endmacro %}

{% macro duckdb__resources_json(fields) -%}
    cast(
        to_json(list_transform(
            resources,
            lambda resource: struct_pack(
                arn := resource.arn, account_id := resource.accountid, type := resource.type
            )
        )) as varchar
    )
{%- endmacro %}

{% macro athena__resources_json(fields) -%}
    {%- if fields is none or 'resources' in fields -%}
        json_format(
            cast(
                transform(
                    resources,
                    resource -> cast(
                        row(resource.arn, resource.accountid, resource.type)
                        as row(arn varchar, account_id varchar, type varchar)
                    )
                ) as json
            )
        )
    {%- else -%}
        cast(null as varchar)
    {%- endif -%}
{%- endmacro %}
