{#- Several text expressions with a separator between, without those that are null. -#}
{% macro joined_texts(texts, separator) -%}
    {{ return(adapter.dispatch('joined_texts')(texts, separator)) }}
{%- endmacro %}

{#- In one step: each || of a chain would copy everything before it. -#}
{% macro duckdb__joined_texts(texts, separator) -%}
    concat_ws({{ separator }}, {{ texts | join(', ') }})
{%- endmacro %}

{% macro athena__joined_texts(texts, separator) -%}
    array_join(array[{{ texts | join(', ') }}], {{ separator }})
{%- endmacro %}
