{#- One field of the raw CloudTrail table as text; null if the record or the table lacks it, and for ''.
    `fields` comes from `raw_fields`, `path` is a dotted path in lower case. -#}
{% macro raw_field(fields, path) -%}
    {{ return(adapter.dispatch('raw_field')(fields, path)) }}
{%- endmacro %}

{% macro duckdb__raw_field(fields, path) -%}
    nullif({{ path }}, '')
{%- endmacro %}

{#- Some tables declare readonly as a boolean: it becomes text too. -#}
{% macro athena__raw_field(fields, path) -%}
    {%- if fields is none or path in fields -%}
        nullif(cast({{ path }} as varchar), '')
    {%- else -%}
        cast(null as varchar)
    {%- endif -%}
{%- endmacro %}
