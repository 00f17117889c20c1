{#- RULES 2 and 9: how a role was entered, by the record of its assumption: `assume role`, `assume
    root`, `console switch`, `identity center`, `saml`, `web identity`, `roles anywhere`, `pod
    identity`, or `service`.

    A service is known by its identity, which no caller can choose, or by the path of a service-linked
    role in a granted request: in a refused request the caller typed the path. The console also assumes
    roles for services, below `/service-role/`. -#}
{% macro start_method_of_assumption() -%}
    case
        when event_name = 'AssumeRoot' then 'assume root'
        when event_name = 'CreateSession'
            or (caller_type = 'AWSService' and invoked_by = 'rolesanywhere.amazonaws.com')
            then 'roles anywhere'
        when event_name = 'AssumeRoleForPodIdentity'
            or (caller_type = 'AWSService' and invoked_by like 'pods.eks%.amazonaws.com')
            then 'pod identity'
        when caller_type = 'AWSService'
            or (
                outcome = 'success'
                and {{ arn_resource('role_arn') }} like 'role/aws-service-role/%'
            )
            then 'service'
        when {{ is_console_assumption('invoked_by') }}
            and coalesce({{ arn_resource('role_arn') }} not like 'role/service-role/%', true)
            and coalesce({{ arn_resource('role_arn') }} not like 'role/aws-service-role/%', true)
            then 'console switch'
        when event_name = 'AssumeRoleWithSAML'
            and outcome = 'success'
            and {{ is_identity_center_role(arn_name('role_arn'), 'role_arn') }}
            then 'identity center'
        when event_name = 'AssumeRoleWithSAML' then 'saml'
        when event_name = 'AssumeRoleWithWebIdentity' then 'web identity'
        else 'assume role'
    end
{%- endmacro %}
