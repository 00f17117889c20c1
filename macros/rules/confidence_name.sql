{#- RULES 4, the actor: the name of a confidence that is a number of `confidence_rank`. -#}
{% macro confidence_name(rank) -%}
    case {{ rank }} when 3 then 'certain' when 2 then 'likely' when 1 then 'guess' end
{%- endmacro %}
