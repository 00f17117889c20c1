{#- A text as a literal of SQL: the one way for the value of a variable into a query. -#}
{% macro sql_text(value) -%}
    '{{ value | string | replace("'", "''") }}'
{%- endmacro %}
