{#- Whether one of these columns matches the pattern in a parameter of a question. -#}
{% macro is_like_any(parameter, columns) -%}
    (
        {%- for column in columns %}
        {{ 'or ' if not loop.first }}lower({{ column }}) like :{{ parameter }} escape '\'
        {%- endfor %}
    )
{%- endmacro %}
