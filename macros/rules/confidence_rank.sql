{#- RULES 4, the actor: a confidence as a number, the surer the greater: a chain is no surer than its
    weakest link. -#}
{% macro confidence_rank(confidence) -%}
    case {{ confidence }} when 'certain' then 3 when 'likely' then 2 when 'guess' then 1 end
{%- endmacro %}
