{#- Whether a role was made by IAM Identity Center for a permission set. -#}
{% macro is_identity_center_role(role_name) -%}
    coalesce({{ role_name }} like 'AWSReservedSSO\_%' escape '\', false)
{%- endmacro %}
