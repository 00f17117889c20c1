{#- RULES 2, the session: the access key that tells an event's session from others of its principal
    and second: of a session of AssumeRoot the one that was issued. Others are told by the principal
    id, whatever keys they use: '' for them. -#}
{% macro session_access_key(identity_type, is_assumed_root, access_key_id) -%}
    case
        when {{ is_assumed_root_session(identity_type, is_assumed_root) }}
            then coalesce({{ access_key_id }}, '')
        else ''
    end
{%- endmacro %}
