{#- RULES 9, services: whether an assumption of a role is an AWS service's: a service assumed it, or the
    role's path is that of service-linked roles. No name that a caller chooses makes it one; whom Roles
    Anywhere assumes a role for comes from outside. -#}
{% macro is_service_assumption() -%}
    coalesce(
        (
            identity_type = 'AWSService'
            and coalesce(invoked_by, '') <> 'rolesanywhere.amazonaws.com'
        )
        or {{ arn_resource('requested_role_arn') }} like 'role/aws-service-role/%',
        false
    )
{%- endmacro %}
