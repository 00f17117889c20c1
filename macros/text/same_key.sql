{#- The condition of a join by several columns, none of which is null. -#}
{% macro same_key(one, other, columns) -%}
    {%- for column in columns %}
    {{ one }}.{{ column }} = {{ other }}.{{ column }}
    {%- if not loop.last %} and {% endif -%}
    {%- endfor -%}
{%- endmacro %}
