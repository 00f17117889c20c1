{#- Narrow the merge of this run to `condition` on the target. dbt-athena takes its predicates from
    the configuration, which dbt renders when it parses the project: what only the run finds out
    takes the place of the predicate that stands there. -#}
{% macro merge_within(condition) -%}
    {%- set predicates = config.get('incremental_predicates') -%}
    {%- if execute and predicates -%}
        {%- do predicates.clear() -%}
        {%- do predicates.append(condition) -%}
    {%- endif -%}
{%- endmacro %}
