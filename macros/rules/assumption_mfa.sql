{#- RULES 3, MFA of a role assumption by its own records: a serial number in a successful request
    is yes; otherwise what the caller's copy says of the caller's session. -#}
{% macro assumption_mfa(assumption) -%}
    case
        when {{ assumption }}.mfa_serial is not null
            and {{ assumption }}.outcome = 'success'
            then 'yes'
        when {{ assumption }}.is_caller_mfa_authenticated then 'yes'
        when not {{ assumption }}.is_caller_mfa_authenticated then 'no'
    end
{%- endmacro %}
