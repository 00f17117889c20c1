{#- RULES 2, the session: whether an event was made in a session of AssumeRoot. The call of AssumeRoot
    itself says `assumedRoot` too, with the identity of who calls. -#}
{% macro is_assumed_root_session(identity_type, is_assumed_root) -%}
    coalesce({{ identity_type }} = 'Root' and {{ is_assumed_root }}, false)
{%- endmacro %}
