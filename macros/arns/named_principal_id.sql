{#- RULES 2, the session: the principal id of an identity. That of a role session without its session name
    takes it from the ARN. -#}
{% macro named_principal_id(principal_id, arn) -%}
    case
        when {{ principal_id }} like 'AROA%' and {{ principal_id }} not like '%:%'
            then {{ principal_id }} || coalesce(':' || {{ assumed_role_part(arn, 'session') }}, '')
        else {{ principal_id }}
    end
{%- endmacro %}
