{#- The name in a principal's ARN: the user name without its path, the session name of an assumed
    role, the name of a federated user, or `root`. -#}
{% macro principal_name(arn) -%}
    case
        when {{ arn }} like 'arn:%:root' then 'root'
        when {{ arn }} like 'arn:%:assumed-role/%'
            then {{ assumed_role_part(arn, 'session') }}
        when {{ arn }} like 'arn:%/%' then {{ arn_name(arn) }}
    end
{%- endmacro %}
