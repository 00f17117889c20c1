{#- When a session of role_sessions or role_entries ends, for who was in a role at a time. One whose
    end no record tells, as it was renewed, is used beyond its expiry or its AssumeRole is not there,
    is taken to last twelve hours, AWS's longest. -#}
{% macro session_ends_at(started_at='started_at') -%}
    coalesce(
        {#- Whoever goes on has not left. -#}
        case when coalesce(last_action_at <= exited_at, true) then exited_at end,
        case
            when renewal_count = 0 and coalesce(last_action_at <= expires_at, true) then expires_at
        end,
        {{ started_at }} + interval '12' hour
    )
{%- endmacro %}
