{#- RULES 9, services: whether a session is named after an EC2 instance. -#}
{% macro is_instance_id(session_name) -%}
    coalesce(
        regexp_extract({{ session_name }}, '^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$') <> '',
        false
    )
{%- endmacro %}
