{#- Which days of delivery this run reads, as the command line decided
    (scripts/rolecall/project/days_to_read.py says in what form); {} with dbt alone. -#}
{% macro days_to_read() -%}
    {%- set text = env_var('ROLECALL_DAYS_TO_READ', '') if execute else '' -%}
    {{ return(fromjson(text) if text else {}) }}
{%- endmacro %}
