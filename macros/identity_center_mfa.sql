{#- RULES 3, MFA of a sign-in to Identity Center: `UserAuthentication` lists all factors that were
    verified. What an external identity provider asked for is not asserted. -#}
{% macro identity_center_mfa(verified_factors) -%}
    case
        when {{ verified_factors }} is null then 'unknown'
        when {{ verified_factors }} like '%EXTERNAL_IDP%' then 'not asserted'
        when {{ verified_factors }} like '%TOTP%'
            or {{ verified_factors }} like '%WEBAUTHN%'
            or {{ verified_factors }} like '%EMAIL_OTP%'
            then 'yes'
        else 'no'
    end
{%- endmacro %}
