{#- The session name in a role session's principal id, `AROA...:session name`; null where the id is
    of another kind. -#}
{% macro principal_session_name(principal_id) -%}
    nullif(split_part({{ principal_id }}, ':', 2), '')
{%- endmacro %}
