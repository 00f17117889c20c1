{#- The resources of a raw record as JSON text, `[{"arn","account_id","type"}]`; null if the record or
    the table has none. `fields` comes from `raw_fields`. -#}
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

{#- A table may declare only some of the members, or all as one text that cannot be taken apart. -#}
{% macro athena__resources_json(fields) -%}
    {%- set members = [] -%}
    {%- for member in ['arn', 'accountid', 'type'] -%}
        {%- set is_there = fields is none or 'resources.' ~ member in fields -%}
        {%- do members.append('resource.' ~ member if is_there else 'null') -%}
    {%- endfor -%}
    {%- if members == ['null', 'null', 'null'] -%}
        cast(null as varchar)
    {%- else -%}
        json_format(
            cast(
                transform(
                    resources,
                    resource -> cast(
                        row({{ members | join(', ') }})
                        as row(arn varchar, account_id varchar, type varchar)
                    )
                ) as json
            )
        )
    {%- endif -%}
{%- endmacro %}
