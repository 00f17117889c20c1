{#- One field of the raw CloudTrail table, as text: a column, or a member of one by a dotted path
    in lower case (`useridentity.sessioncontext.sourceidentity`). -#}
{% macro raw_field(path) -%}
    {{ return(adapter.dispatch('raw_field')(path)) }}
{%- endmacro %}

{#- The local source has every field that AWS documents. -#}
{% macro duckdb__raw_field(path) -%}
    nullif({{ path }}, '')
{%- endmacro %}

{% macro athena__raw_field(path) -%}
    nullif({{ path }}, '')
{%- endmacro %}
