{#- RULES 2, the session: the id of a session of an account's root user that AssumeRoot began. The
    issued key distinguishes sessions of one second. -#}
{% macro root_session_id(account_id, created_at, access_key_id) -%}
    {{ account_id }} || '@' || {{ iso_text(created_at) }} || '#' || coalesce({{ access_key_id }}, '')
{%- endmacro %}
