{#- A JSON field of the raw CloudTrail table as text, null where it alone is larger than a record may be.
    `fields` comes from `raw_fields`. -#}
{% macro bounded_json(fields, path) -%}
    {{ return(adapter.dispatch('bounded_json')(fields, path)) }}
{%- endmacro %}

{#- The reader gives no record that is too large. -#}
{% macro duckdb__bounded_json(fields, path) -%}
    {{ raw_field(fields, path) }}
{%- endmacro %}

{% macro athena__bounded_json(fields, path) -%}
    {%- set json = raw_field(fields, path) -%}
    case when length({{ json }}) <= {{ var('max_record_bytes') }} then {{ json }} end
{%- endmacro %}
