{#- What a person may be asked for by: whom a record names, who is behind it, and what whoever
    entered called the session and themselves. `has_source`: of switches and entries, which tell
    whence they came. -#}
{% macro person_columns(has_source=true) -%}
    {%- set columns = ['actor_name', 'actor_arn', 'role_session_name', 'source_identity'] -%}
    {{ return((['source_name', 'source_arn'] if has_source else []) + columns) }}
{%- endmacro %}
