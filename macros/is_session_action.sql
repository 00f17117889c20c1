{#- RULES 8, counts: whether an event is an action of a session, of a role or of AssumeRoot. Of sign-in
    events none is, should one carry a creation time. -#}
{% macro is_session_action() -%}
    (
        session_created_at is not null
        and principal_id is not null
        and (
            {{ is_role_session('identity_type', 'principal_id') }}
            or {{ is_assumed_root_session('identity_type', 'is_assumed_root') }}
        )
        and coalesce(event_source, '') <> 'signin.amazonaws.com'
    )
{%- endmacro %}
