{#- The name in a principal's ARN: the user name without its path, the session name of an assumed
    role, the name of a federated user, or `root`. -#}
{% macro principal_name(arn) -%}
    case
        when {{ arn_resource(arn) }} = 'root' then 'root'
        when {{ arn_resource(arn) }} like 'assumed-role/%'
            then {{ assumed_role_part(arn, 'session') }}
        when {{ arn }} like 'arn:%/%' then {{ arn_name(arn) }}
    end
{%- endmacro %}
