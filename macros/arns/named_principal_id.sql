{#- RULES 2, the session: the principal id of an identity. If a role session's id lacks the session name,
    the ARN has it. -#}
{% macro named_principal_id(principal_id, arn) -%}
    case
        when {{ principal_id }} like 'AROA%' and {{ principal_id }} not like '%:%'
            then {{ principal_id }} || coalesce(':' || {{ assumed_role_part(arn, 'session') }}, '')
        else {{ principal_id }}
    end
{%- endmacro %}
