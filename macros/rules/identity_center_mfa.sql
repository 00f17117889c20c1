{#- RULES 3, MFA of a sign-in to Identity Center: `UserAuthentication` lists all verified factors. An
    external identity provider and an unknown factor are `not asserted`. -#}
{% macro identity_center_mfa(verified_factors) -%}
    {%- set factors = "(',' || replace(" ~ verified_factors ~ ", ' ', '') || ',')" -%}
    case
        when {{ verified_factors }} is null then 'unknown'
        when coalesce(
            regexp_extract(
                {{ factors }}, '^,(?:(?:PASSWORD|TOTP|RESYNC_TOTP|EMAIL_OTP|WEBAUTHN),)+$'
            ),
            ''
        ) = ''
            then 'not asserted'
        when {{ factors }} like '%,WEBAUTHN,%' then 'yes'
        when {{ factors }} like '%,PASSWORD,%'
            and ({{ factors }} like '%TOTP,%' or {{ factors }} like '%,EMAIL\_OTP,%' escape '\')
            then 'yes'
        when {{ factors }} like '%TOTP,%' then 'not asserted'
        else 'no'
    end
{%- endmacro %}
