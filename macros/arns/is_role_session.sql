{#- Whether an identity is a session of a role, by its type; where that is missing, by the form of
    its principal id. -#}
{% macro is_role_session(identity_type, principal_id) -%}
    coalesce(
        {{ identity_type }} in ('AssumedRole', 'Role'),
        {{ principal_id }} like 'AROA%:%'
    )
{%- endmacro %}
