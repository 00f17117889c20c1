{#- Whether a raw row is a record that was forgotten: its event is not to come back. -#}
{% macro is_forgotten() -%}
    {{ return(adapter.dispatch('is_forgotten')()) }}
{%- endmacro %}

{#- The reader knows, and gives no more of it than day, account and region. -#}
{% macro duckdb__is_forgotten() -%}
    is_forgotten
{%- endmacro %}

{% macro athena__is_forgotten() -%}
    false
{%- endmacro %}
