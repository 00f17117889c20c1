{#- RULES 8, counts: whether an event is an action of a session, of a role or of AssumeRoot. Sign-in
    events are not, even with a creation time. RULES 2: nor are events later after it than any session
    may last. `events` is a prefix of the event's columns. -#}
{% macro is_session_action(events='') -%}
    (
        {{ events }}session_created_at is not null
        and coalesce(
            {{ events }}event_at <= {{ events }}session_created_at
            + interval '{{ var("longest_activity_hours") }}' hour,
            true
        )
        and (
            (
                {{ is_role_session(events ~ 'identity_type', events ~ 'principal_id') }}
                and {{ events }}principal_id is not null
            )
            or {{ is_assumed_root_session(events ~ 'identity_type', events ~ 'is_assumed_root') }}
        )
        and coalesce({{ events }}event_source, '') <> 'signin.amazonaws.com'
    )
{%- endmacro %}
