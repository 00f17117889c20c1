{#- What kind of principal an ARN names: `iam user`, `root`, `federated user`, `identity center
    user` (a session of a permission set's role) or `role session`; null for anything else. -#}
{% macro principal_kind(arn) -%}
    case
        when {{ arn }} like 'arn:%:user/%' then 'iam user'
        when {{ arn }} like 'arn:%:root' then 'root'
        when {{ arn }} like 'arn:%:federated-user/%' then 'federated user'
        when {{ is_identity_center_role(assumed_role_part(arn, 'role')) }}
            then 'identity center user'
        when {{ arn }} like 'arn:%:assumed-role/%' then 'role session'
    end
{%- endmacro %}
