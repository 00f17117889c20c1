{#- RULES 2, the session: the principal id by which an event's session is told: that of a root user
    is the id of the account. -#}
{% macro session_principal_id(identity_type, is_assumed_root, principal_id, identity_account_id) -%}
    case
        when {{ is_assumed_root_session(identity_type, is_assumed_root) }}
            then coalesce({{ identity_account_id }}, {{ principal_id }})
        else {{ principal_id }}
    end
{%- endmacro %}
