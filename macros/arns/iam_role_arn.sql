{#- The ARN of a role without a path, for roles whose path no record shows. -#}
{% macro iam_role_arn(partition, account_id, role_name) -%}
    'arn:' || {{ partition }} || ':iam::' || {{ account_id }} || ':role/' || {{ role_name }}
{%- endmacro %}
