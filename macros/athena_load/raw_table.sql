{#- The raw table as the Glue catalogue has it, on Athena; none where there is no need or no way to
    ask. -#}
{% macro raw_table() -%}
    {%- if not can_ask() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = adapter.get_glue_table(raw_relation()) -%}
    {{ return(found['Table'] if found else none) }}
{%- endmacro %}
