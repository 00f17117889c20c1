{#- A text as a literal of SQL. Values of variables come into a query only by this macro. -#}
{% macro sql_text(value) -%}
    '{{ value | string | replace("'", "''") }}'
{%- endmacro %}
