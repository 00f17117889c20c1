{#- Whether two attempts to read a log file found the same bytes, by their hashes if there are any. -#}
{% macro has_same_bytes(attempt, other) -%}
    {{ return(adapter.dispatch('has_same_bytes')(attempt, other)) }}
{%- endmacro %}

{% macro duckdb__has_same_bytes(attempt, other) -%}
    {{ attempt }}.sha256 is not distinct from {{ other }}.sha256
{%- endmacro %}

{#- Athena's reader gives no hash. -#}
{% macro athena__has_same_bytes(attempt, other) -%}
    true
{%- endmacro %}
