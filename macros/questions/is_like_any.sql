{#- Whether one of these columns is like the pattern that a parameter of a question gives. -#}
{% macro is_like_any(parameter, columns) -%}
    (
        {%- for column in columns %}
        {{ 'or ' if not loop.first }}lower({{ column }}) like :{{ parameter }} escape '\'
        {%- endfor %}
    )
{%- endmacro %}
