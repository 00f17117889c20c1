{#- Whether a role was made by IAM Identity Center for a permission set. Anybody may give a role such
    a name; the path below which it lies is AWS's alone, wherever an ARN of IAM shows it. -#}
{% macro is_identity_center_role(role_name, role_arn=none) -%}
    coalesce(
        {{ role_name }} like 'AWSReservedSSO\_%' escape '\'
        {%- if role_arn %}
        and coalesce({{ arn_resource(role_arn) }} like 'role/aws-reserved/sso.amazonaws.com/%', true)
        {%- endif %},
        false
    )
{%- endmacro %}
