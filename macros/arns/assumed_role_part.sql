{#- A part of an assumed-role ARN (`...:assumed-role/ROLE/SESSION`): `role` or `session`. The
    role's path is missing from these ARNs. Null where the ARN is of another kind. -#}
{% macro assumed_role_part(arn, part) -%}
    case
        when {{ arn_resource(arn) }} like 'assumed-role/%'
            then nullif(split_part({{ arn }}, '/', {{ {'role': 2, 'session': 3}[part] }}), '')
    end
{%- endmacro %}
