{#- Whether a raw row is a record that `rolecall forget` removed: its event must not come back. -#}
{% macro is_forgotten() -%}
    {{ return(adapter.dispatch('is_forgotten')()) }}
{%- endmacro %}

{#- The reader knows, and gives only day, account and region of such a record. -#}
{% macro duckdb__is_forgotten() -%}
    is_forgotten
{%- endmacro %}

{% macro athena__is_forgotten() -%}
    false
{%- endmacro %}
