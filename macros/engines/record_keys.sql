{#- The keys of a raw record, object by object, as JSON text: see `repeats_keys`. -#}
{% macro record_keys() -%}
    {{ return(adapter.dispatch('record_keys')()) }}
{%- endmacro %}

{#- The view of the local source has them. -#}
{% macro duckdb__record_keys() -%}
    record_keys
{%- endmacro %}

{#- Athena's reader shows fields, not the text of the record. -#}
{% macro athena__record_keys() -%}
    cast(null as varchar)
{%- endmacro %}
