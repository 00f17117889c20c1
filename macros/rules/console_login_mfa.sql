{#- RULES 3, MFA of a console login: `MFAUsed`, spelled as it may be, for a user or root; a
    federated login says `No` whatever the identity provider asked for. -#}
{% macro console_login_mfa() -%}
    case
        when identity_type not in ('IAMUser', 'Root') then 'not asserted'
        when lower(mfa_used) = 'yes' then 'yes'
        when lower(mfa_used) = 'no' then 'no'
        else 'unknown'
    end
{%- endmacro %}
