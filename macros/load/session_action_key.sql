{#- The columns that tell the rows of session_actions apart. -#}
{% macro session_action_key() -%}
    {{ return([
        'load_id', 'principal_id', 'session_created_at', 'access_key_id', 'event_source',
        'event_name', 'aws_region', 'source_ip_address'
    ]) }}
{%- endmacro %}
