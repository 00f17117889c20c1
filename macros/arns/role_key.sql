{#- What `role_arns` has the role of a session's ARN under: its account and name. -#}
{% macro role_key(session_arn) -%}
    {{ arn_account(session_arn) }} || '/' || {{ assumed_role_part(session_arn, 'role') }}
{%- endmacro %}
