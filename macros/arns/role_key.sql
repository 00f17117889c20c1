{#- The key in `role_arns` of the role in a session's ARN: its account and name. -#}
{% macro role_key(session_arn) -%}
    {{ arn_account(session_arn) }} || '/' || {{ assumed_role_part(session_arn, 'role') }}
{%- endmacro %}
