{#- The distinct texts of a group in alphabetical order, with a comma between, no more than `most` of
    them; null where there is none. -#}
{% macro bounded_text_list(text, most) -%}
    {{ return(adapter.dispatch('bounded_text_list')(text, most)) }}
{%- endmacro %}

{% macro duckdb__bounded_text_list(text, most) -%}
    array_to_string(
        list_slice(list_sort(list(distinct {{ text }}) filter (where {{ text }} is not null)), 1, {{ most }}),
        ','
    )
{%- endmacro %}

{% macro athena__bounded_text_list(text, most) -%}
    array_join(
        slice(array_sort(array_agg(distinct {{ text }}) filter (where {{ text }} is not null)), 1, {{ most }}),
        ','
    )
{%- endmacro %}
