{#- RULES 4, the actor: the confidence that a number of `confidence_rank` stands for. -#}
{% macro confidence_name(rank) -%}
    case {{ rank }} when 3 then 'certain' when 2 then 'likely' when 1 then 'guess' end
{%- endmacro %}
