{#- RULES 9, services: whether an assumption of a role is an AWS service's: a service assumed it,
    the role's path is that of service-linked roles, or the session is named after an instance. -#}
{% macro is_service_assumption() -%}
    coalesce(
        identity_type = 'AWSService'
        or requested_role_arn like '%:role/aws-service-role/%'
        or {{ is_instance_id('requested_session_name') }},
        false
    )
{%- endmacro %}
