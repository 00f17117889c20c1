{#- RULES 4, the actor: a confidence as a number, greater if surer, for the least of a chain's links. -#}
{% macro confidence_rank(confidence) -%}
    case {{ confidence }} when 'certain' then 3 when 'likely' then 2 when 'guess' then 1 end
{%- endmacro %}
