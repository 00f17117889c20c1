{#- One field of the raw CloudTrail table as text, null where the record or the table lacks it, and
    where it is ''. `fields` is what `raw_fields` gave, `path` a dotted path in lower case. -#}
{% macro raw_field(fields, path) -%}
    {{ return(adapter.dispatch('raw_field')(fields, path)) }}
{%- endmacro %}

{% macro duckdb__raw_field(fields, path) -%}
    nullif({{ path }}, '')
{%- endmacro %}

{#- Some people declare readonly as a boolean: it is text here all the same. -#}
{% macro athena__raw_field(fields, path) -%}
    {%- if fields is none or path in fields -%}
        nullif(cast({{ path }} as varchar), '')
    {%- else -%}
        cast(null as varchar)
    {%- endif -%}
{%- endmacro %}
