{#- A JSON text without its secrets: the values of members that hold credentials, as they stand or
    inside a quoted JSON text, and what follows `?` or `#` in the console's redirect addresses
    (sign-in state and codes). Everything else stays as logged. -#}
{% macro redacted_json(json) -%}
    {{ return(adapter.dispatch('redacted_json')(json)) }}
{%- endmacro %}

{#- The members whose values are secrets. AWS masks most secrets itself; what it leaves are session
    tokens and sign-in tokens. -#}
{% macro secret_members() -%}
    {{ return('(?:' ~ [
        '(?:session|security|x-amz-security|sign_?in|access|refresh|id|bearer)[_-]?token',
        'web_?identity_?token', 'csrf_?token', 'token_?code', 'auth(?:orization)?_?code',
        'secret_?access_?key', 'client_?secret', 'private_?key',
        '(?:new|old|master_?user|admin|user)?_?password', '(?:saml_?)?assertion',
    ] | join('|') ~ ')') }}
{%- endmacro %}

{#- Regular expressions that both engines read alike: group 1 and 2 stay, `value` comes between. -#}
{% macro redaction_rules() -%}
    {%- set members = secret_members() -%}
    {%- set text = '(?:[^"\\\\]|\\\\.)*' -%}
    {{ return([
        {
            'pattern': '(?i)("' ~ members ~ '"\\s*:\\s*")' ~ text ~ '(")',
            'value': 'REDACTED',
        },
        {
            'pattern': '(?i)(\\\\"' ~ members
                ~ '\\\\"\\s*:\\s*\\\\")(?:[^"\\\\]|\\\\[^"])*(\\\\")',
            'value': 'REDACTED',
        },
        {
            'pattern': '("(?:LoginTo|RedirectTo)"\\s*:\\s*"' ~ text
                ~ '?)(?:[?#]|\\\\u003[fF]|\\\\u0023)' ~ text ~ '(")',
            'value': '',
        },
        {
            'pattern': '(\\\\"(?:LoginTo|RedirectTo)\\\\"\\s*:\\s*\\\\"[^"?#]*?)[?#][^"]*?(\\\\")',
            'value': '',
        },
    ]) }}
{%- endmacro %}

{#- Few texts have anything to redact: the others are passed on after one look. -#}
{% macro redaction_hint() -%}
    '(?i)"{{ secret_members() }}\\?"|LoginTo|RedirectTo'
{%- endmacro %}

{% macro duckdb__redacted_json(json) -%}
    {%- set redacted = namespace(sql=json) -%}
    {%- for rule in redaction_rules() -%}
        {%- set redacted.sql = "regexp_replace(" ~ redacted.sql ~ ", '" ~ rule.pattern ~ "', '\\1"
            ~ rule.value ~ "\\2', 'g')" -%}
    {%- endfor -%}
    case
        when regexp_matches({{ json }}, {{ redaction_hint() }})
            then {{ redacted.sql }}
        else {{ json }}
    end
{%- endmacro %}

{% macro athena__redacted_json(json) -%}
    {%- set redacted = namespace(sql=json) -%}
    {%- for rule in redaction_rules() -%}
        {%- set redacted.sql = "regexp_replace(" ~ redacted.sql ~ ", '" ~ rule.pattern ~ "', '$1"
            ~ rule.value ~ "$2')" -%}
    {%- endfor -%}
    case
        when regexp_like({{ json }}, {{ redaction_hint() }})
            then {{ redacted.sql }}
        else {{ json }}
    end
{%- endmacro %}
