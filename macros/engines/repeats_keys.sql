{#- Whether a record with these keys, which `record_keys` gave, has one twice in one object, or
    one that differs in case from a field of CloudTrail's: which of two is read, and whether such a
    one is, differs from reader to reader. -#}
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
