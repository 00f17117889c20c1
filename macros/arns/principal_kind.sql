{#- What kind of principal an ARN names: `iam user`, `root`, `federated user`, `identity center
    user` (a session of a permission set's role) or `role session`; null for anything else. The ARN of
    a session lacks the role's path, by which a permission set's role differs from one that only has
    such a name: `role_arn` has the path if it is known. -#}
{% macro principal_kind(arn, role_arn=none) -%}
    case
        when {{ arn_resource(arn) }} like 'user/%' then 'iam user'
        when {{ arn_resource(arn) }} = 'root' then 'root'
        when {{ arn_resource(arn) }} like 'federated-user/%' then 'federated user'
        when {{ is_identity_center_role(assumed_role_part(arn, 'role'), role_arn) }}
            then 'identity center user'
        when {{ arn_resource(arn) }} like 'assumed-role/%' then 'role session'
    end
{%- endmacro %}
