{#- A JSON text as an engine writes it itself, whatever its layout; a text that is no JSON as it is. -#}
{% macro canonical_json(json) -%}
    {{ return(adapter.dispatch('canonical_json')(json)) }}
{%- endmacro %}

{#- What the reader gives was written by DuckDB. -#}
{% macro duckdb__canonical_json(json) -%}
    {{ json }}
{%- endmacro %}

{#- The members of objects are put in order too. -#}
{% macro athena__canonical_json(json) -%}
    coalesce(json_format(try(json_parse({{ json }}))), {{ json }})
{%- endmacro %}
