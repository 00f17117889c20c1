{#- The days from `first` to `last`, both included, as an array to unnest. -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between')(first, last)) }}
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    cast(generate_series({{ first }}, {{ last }}, interval 1 day) as date[])
{%- endmacro %}

{% macro athena__days_between(first, last) -%}
    sequence({{ first }}, {{ last }}, interval '1' day)
{%- endmacro %}
