{#- Replaces dbt-athena's athena__safe_cast: dbt-athena 1.11.1,
    dbt/include/athena/macros/utils/safe_cast.sql.

    dbt's unit tests make the values of fixtures with it. The adapter's own macro cannot make a struct,
    which is written as JSON in fixtures. -#}
{% macro athena__safe_cast(field, type) -%}
    {%- if '<' in type -%}
        cast(
            {{- 'null' if field == 'null' else 'json_parse(' ~ field ~ ')' }} as {{ row_type(type) -}}
        )
    {%- else -%}
        try_cast({{ field }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{#- Trino's name of a nested type of Hive: `struct<a:string>` is `row("a" varchar)`. -#}
{% macro row_type(type) -%}
    {{- modules.re.sub('([a-z0-9_]+):', '"\\1" ', type)
        | replace('struct<', 'row(') | replace('array<', 'array(') | replace('map<', 'map(')
        | replace('>', ')') | replace('string', 'varchar') -}}
{%- endmacro %}
