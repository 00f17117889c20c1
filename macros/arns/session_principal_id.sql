{#- RULES 2, the session: the principal id in the key of an event's session. For a root user that is the
    id of the account whose logs have the event. `events` is a prefix of the event's columns. -#}
{% macro session_principal_id(events='') -%}
    case
        when {{ is_assumed_root_session(events ~ 'identity_type', events ~ 'is_assumed_root') }}
            then coalesce(
                {{ events }}identity_account_id,
                {{ events }}principal_id,
                {{ events }}recipient_account_id
            )
        else {{ named_principal_id(events ~ 'principal_id', events ~ 'identity_arn') }}
    end
{%- endmacro %}
