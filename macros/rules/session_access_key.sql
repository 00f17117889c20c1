{#- RULES 2, the session: the access key that tells an event's session from others of its principal
    and second: of a session of AssumeRoot the one that was issued. Others are told by the principal
    id, whatever keys they use: '' for them. `events` is a prefix of the event's columns. -#}
{% macro session_access_key(events='') -%}
    case
        when {{ is_assumed_root_session(events ~ 'identity_type', events ~ 'is_assumed_root') }}
            then coalesce({{ events }}access_key_id, '')
        else ''
    end
{%- endmacro %}

{#- The same of a row of role_sessions: it stands in the id of the session. -#}
{% macro access_key_of_session(sessions) -%}
    case
        when {{ sessions }}.start_method = 'assume root'
            then coalesce(split_part({{ sessions }}.session_id, '#', 2), '')
        else ''
    end
{%- endmacro %}
