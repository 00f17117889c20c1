{#- RULES 11: whether a record with these keys (of `record_keys`) has one of them twice in one object, or
    one that differs only in case from a field of CloudTrail's. Readers of JSON differ in which of the
    two they read, and in whether they read the other. -#}
{% macro repeats_keys(record_keys) -%}
    {{ return(adapter.dispatch('repeats_keys')(record_keys)) }}
{%- endmacro %}

{#- The local source knows the fields: local/record_view.py. -#}
{% macro duckdb__repeats_keys(record_keys) -%}
    logs.main.repeats_keys({{ record_keys }})
{%- endmacro %}

{% macro athena__repeats_keys(record_keys) -%}
    cast(null as boolean)
{%- endmacro %}
