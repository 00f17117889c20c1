{#- RULES 7: when a session of role_sessions or role_entries ends, for the question who was in a role at
    a time. No record tells the end of a session that was renewed, is used after its expiry, or has no
    AssumeRole in the logs: such a session lasts `longest_session_hours`, AWS's longest. -#}
{% macro session_ends_at(started_at='started_at') -%}
    coalesce(
        {#- An exit after which the session acts did not end it. -#}
        case when coalesce(last_action_at <= exited_at, true) then exited_at end,
        case
            when renewal_count = 0 and coalesce(last_action_at <= expires_at, true) then expires_at
        end,
        {{ started_at }} + interval '{{ var("longest_session_hours") }}' hour
    )
{%- endmacro %}
