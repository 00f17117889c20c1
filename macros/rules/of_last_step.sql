{#- A value of the step that ends a sign-in to Identity Center, which is its authentication where there
    is one: whoever only begins one chooses nothing of it. -#}
{% macro of_last_step(value) -%}
    max_by({{ value }}, case when is_step then row(is_authentication, event_at, event_id) end)
{%- endmacro %}
