{#- The distinct texts of a group in alphabetical order, with a comma and a blank between. -#}
{% macro text_list(text) -%}
    {{ return(adapter.dispatch('text_list')(text)) }}
{%- endmacro %}

{% macro duckdb__text_list(text) -%}
    string_agg(distinct {{ text }}, ', ' order by {{ text }})
{%- endmacro %}

{% macro athena__text_list(text) -%}
    nullif(array_join(array_sort(array_agg(distinct {{ text }})), ', '), '')
{%- endmacro %}
