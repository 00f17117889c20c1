{#- RULES 2, the session: the access key that belongs to the key of an event's session. Sessions of
    AssumeRoot in one second differ by the key that was issued. A role's session has its principal id
    alone, whatever keys it uses: '' there. `events` is a prefix of the event's columns. -#}
{% macro session_access_key(events='') -%}
    case
        when {{ is_assumed_root_session(events ~ 'identity_type', events ~ 'is_assumed_root') }}
            then coalesce({{ events }}access_key_id, '')
        else ''
    end
{%- endmacro %}

{#- The same key of a row of role_sessions, from the id of the session. -#}
{% macro access_key_of_session(sessions) -%}
    case
        when {{ sessions }}.start_method = 'assume root'
            then coalesce(split_part({{ sessions }}.session_id, '#', 2), '')
        else ''
    end
{%- endmacro %}
