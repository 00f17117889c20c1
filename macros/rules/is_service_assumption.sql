{#- Whether one record alone says that an AWS service took a role: a service is its caller, or the role
    lies below the path of service-linked roles. Only the column of that name in `identity_events` asks
    for it, which no rule reads. RULES 9 goes by `start_method_of_assumption` and `assumptions.flagged`,
    which do not believe the path in a refused request. Roles Anywhere assumes a role for an outsider. -#}
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
