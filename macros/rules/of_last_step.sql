{#- RULES 3: a value of the last step of a sign-in to Identity Center: of its authentication, if there is
    one. Whoever only begins a sign-in can choose nothing of it. -#}
{% macro of_last_step(value) -%}
    max_by({{ value }}, case when is_step then row(is_authentication, event_at, event_id) end)
{%- endmacro %}
