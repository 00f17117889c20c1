{#- The ARN of a role without a path: what is said of a role of which no record shows the path. -#}
{% macro iam_role_arn(partition, account_id, role_name) -%}
    'arn:' || {{ partition }} || ':iam::' || {{ account_id }} || ':role/' || {{ role_name }}
{%- endmacro %}
