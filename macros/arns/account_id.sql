{#- An account id, null where a text is not one: AWS gives each account 12 digits ("AWS Account
    Management", "View AWS account identifiers"). A caller of AssumeRole can type any ARN. -#}
{% macro account_id(text) -%}
    case
        when
            length({{ text }}) = 12
            and translate({{ text }}, '0123456789', '') = ''
            then {{ text }}
    end
{%- endmacro %}
