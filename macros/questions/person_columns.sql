{#- RULES 4: the columns in which a question looks for a person: whom a record names, who is behind the
    entry, session name and source identity. `has_source`: the table has the source of each entry, as
    tables of switches and entries have. -#}
{% macro person_columns(has_source=true) -%}
    {%- set columns = ['actor_name', 'actor_arn', 'role_session_name', 'source_identity'] -%}
    {{ return((['source_name', 'source_arn'] if has_source else []) + columns) }}
{%- endmacro %}
