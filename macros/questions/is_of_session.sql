{#- RULES 2, the session: the condition of a join, that an action or a count of actions belongs to a row
    of `role_sessions`. -#}
{% macro is_of_session(actions, principal_id='principal_id', access_key='access_key_id') -%}
    role_sessions.principal_id = {{ actions }}.{{ principal_id }}
    and {{ access_key_of_session('role_sessions') }} = {{ actions }}.{{ access_key }}
    and role_sessions.started_at = date_trunc('second', {{ actions }}.session_created_at)
{%- endmacro %}
