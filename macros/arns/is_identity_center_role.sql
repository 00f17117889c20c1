{#- RULES 4: whether IAM Identity Center made a role for a permission set. Anybody may give a role such a
    name, but only AWS makes roles below this path, which an IAM ARN of the role shows. -#}
{% macro is_identity_center_role(role_name, role_arn=none) -%}
    coalesce(
        {{ role_name }} like 'AWSReservedSSO\_%' escape '\'
        {%- if role_arn %}
        and coalesce({{ arn_resource(role_arn) }} like 'role/aws-reserved/sso.amazonaws.com/%', true)
        {%- endif %},
        false
    )
{%- endmacro %}
