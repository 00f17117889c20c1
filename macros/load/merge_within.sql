{#- Narrow the merge of this run to `condition` on the target. dbt-athena takes the predicates from the
    model's configuration, which dbt renders when it parses the project. Only the run knows these days:
    so the condition replaces the content of that list, `incremental_predicates`. -#}
{% macro merge_within(condition) -%}
    {%- set predicates = config.get('incremental_predicates') -%}
    {%- if execute and predicates -%}
        {%- do predicates.clear() -%}
        {%- do predicates.append(condition) -%}
    {%- endif -%}
{%- endmacro %}
