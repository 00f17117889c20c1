{#- The columns of the key of session_actions. -#}
{% macro session_action_key() -%}
    {{ return([
        'load_id', 'principal_id', 'session_created_at', 'access_key_id', 'event_source',
        'event_name', 'aws_region', 'source_ip_address'
    ]) }}
{%- endmacro %}
