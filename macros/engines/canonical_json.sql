{#- A JSON text in the layout of the engine. A text that is not JSON is not changed. -#}
{% macro canonical_json(json) -%}
    {{ return(adapter.dispatch('canonical_json')(json)) }}
{%- endmacro %}

{#- DuckDB wrote the text that the reader gives. -#}
{% macro duckdb__canonical_json(json) -%}
    {{ json }}
{%- endmacro %}

{#- This also puts the members of objects in order. -#}
{% macro athena__canonical_json(json) -%}
    coalesce(json_format(try(json_parse({{ json }}))), {{ json }})
{%- endmacro %}
