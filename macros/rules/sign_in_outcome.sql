{#- RULES 6, outcome: `success`, `failure` or `unknown` for an event of the sign-in service. Failed
    sign-ins have no error code: what counts is `responseElements.<EventName>` (for the sign-in
    steps of Identity Center `serviceEventDetails.<EventName>`), or an error message. -#}
{% macro sign_in_outcome() -%}
    {%- set names = [
        'SwitchRole', 'ExitRole', 'RenewRole', 'ConsoleLogin', 'CheckMfa', 'GetSigninToken',
        'CredentialChallenge', 'CredentialVerification', 'UserAuthentication'
    ] -%}
    {%- set response -%}
        case event_name
        {%- for name in names %}
            when '{{ name }}'
                then coalesce(
                    {{ json_text('response_elements', name) }},
                    {{ json_text('service_event_details', name) }}
                )
        {%- endfor %}
        end
    {%- endset -%}
    case
        when error_message is not null or error_code is not null
            then 'failure'
        when lower({{ response }}) = 'success'
            then 'success'
        when {{ response }} is not null
            then 'failure'
        else 'unknown'
    end
{%- endmacro %}
