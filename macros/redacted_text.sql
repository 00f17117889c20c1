{#- A text, JSON or not, without its secrets: REDACTED stands for each. JSON stays JSON, also where it is
    quoted in JSON, and numbers, booleans and null stay. Where a secret is quoted more than four times,
    or lies deeper below its name than the patterns reach, the whole text is `{"redacted": true}`.

    Both engines find secrets by the same regular expressions. Few texts have a hint of one: the others
    are passed on after one look, and those without a backslash have nothing quoted in them. -#}
{% macro redacted_text(text) -%}
    {{ return(adapter.dispatch('redacted_text')(text)) }}
{%- endmacro %}

{% macro duckdb__redacted_text(text) -%}
    case
        when not {{ has_secret_hint(text) }}
            then {{ text }}
        when contains({{ text }}, '\')
            then {{ replaced_secrets(text, redaction_rules(4), '\\', ", 'g'") }}
        else {{ replaced_secrets(text, redaction_rules(0), '\\', ", 'g'") }}
    end
{%- endmacro %}

{% macro athena__redacted_text(text) -%}
    case
        when not {{ has_secret_hint(text) }}
            then {{ text }}
        else {{ replaced_secrets(text, redaction_rules(4), '$', '') }}
    end
{%- endmacro %}

{#- The condition on a text that it may have a secret. -#}
{% macro has_secret_hint(text) -%}
    {{ return(adapter.dispatch('has_secret_hint')(text)) }}
{%- endmacro %}

{% macro duckdb__has_secret_hint(text) -%}
    regexp_matches({{ text }}, {{ sql_text(secret_hint()) }})
{%- endmacro %}

{% macro athena__has_secret_hint(text) -%}
    regexp_like({{ text }}, {{ sql_text(secret_hint()) }})
{%- endmacro %}

{#- Every rule in turn. Two characters that no JSON has stand for what is found meanwhile: chr(1) is a
    secret that is gone, and chr(2) ends the name of one. -#}
{% macro replaced_secrets(text, rules, group_mark, option) -%}
    {%- set replaced = namespace(sql=text) -%}
    {#- Only what is compiled to be looked at may lack rules: what reads logs never does. -#}
    {%- set is_linted = var('is_linted', false) and flags.WHICH == 'compile' -%}
    {%- for pattern, replacement in (rules[:1] if is_linted else rules) -%}
        {%- set by = sql_text(replacement | replace('#', group_mark))
            | replace('GONE', "' || chr(1) || '") | replace('NAMED', "' || chr(2) || '") -%}
        {%- set replaced.sql = 'regexp_replace(' ~ replaced.sql ~ ', ' ~ sql_text(pattern) ~ ', '
            ~ by ~ option ~ ')' -%}
    {%- endfor -%}
    replace(replace({{ replaced.sql }}, chr(1), 'REDACTED'), chr(2), '')
{%- endmacro %}

{#- The end of a secret's name: of a member of an object, a variable, a parameter of a URL. -#}
{% macro secret_name() -%}
    {{ return('(?:' ~ [
        'pass(?:words?|wd|code|phrase)', 'pwd', '(?:[^a-z]|db|user|root|admin)pass',
        'secrets?', 'secret[_-]?(?:access[_-]?)?keys?',
        '(?:' ~ not_ending_in(harmless_tokens()) ~ ')tokens?',
        '(?:api|private|shared|signing|auth|account|shared[_-]?access)[ _.-]?keys?',
        '(?:[^a-z]|private)[_-]?key[_-]?material',
        'connection[_-]?(?:string|uri|url)s?', 'conn[_-]?str(?:ing)?',
        'credentials?', 'authorization', 'auth[_-]?header', '(?:[^a-z]|session[_-]?|set-)cookies?',
        'assertion', 'saml[_-]?response', 'x-(?:amz|goog)-signature', '[^a-z](?:jwt|bearer|psk)',
        '(?:token|auth|authorization|confirmation|verification|device|user|mfa|otp)[_-]?code',
        'user[_-]?data',
    ] | join('|') ~ ')(?:[_.-]?(?:[0-9]{1,2}|value|string|(?:plain)?text|base64|b64|hash|binary))?') }}
{%- endmacro %}

{#- What stands before `token` where it is none of who acts: pages, idempotency, the subject of one. -#}
{% macro harmless_tokens() -%}
    {{ return([
        'next', 'continuation', 'pagination', 'page', 'forward', 'backward', 'sequence',
        'client', 'clientrequest', 'idempotency', 'creation', 'fromwebidentity',
    ]) }}
{%- endmacro %}

{#- A pattern of what ends in none of some words: the engines share no way to say that shorter. -#}
{% macro not_ending_in(words) -%}
    {%- set before = {} -%}
    {%- for word in words -%}
        {%- for start in range(1, word | length + 1) -%}
            {%- do before.setdefault(word[start:], []).append(word[start - 1]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set patterns = ['^'] -%}
    {%- for ending, letters in before.items() -%}
        {%- do patterns.append('[^' ~ letters | unique | join ~ ']' ~ ending) -%}
    {%- endfor -%}
    {{ return(patterns | join('|')) }}
{%- endmacro %}

{#- What a secret looks like, whatever its name: private keys, JSON web tokens, session tokens of AWS,
    tokens of GitHub, Slack and Stripe. -#}
{% macro secret_shape() -%}
    {{ return([
        '-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----'
            ~ '[A-Za-z0-9+/=\\s:,.()-]*(?:\\\\+[nrt/][A-Za-z0-9+/=\\s:,.()-]*)*',
        'eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*)?',
        '(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=%_-]{16,}',
        'gh[opsru]_[A-Za-z0-9]{30,}', 'github_pat_[A-Za-z0-9_]{30,}',
        'xox[abeprs]-[A-Za-z0-9-]{10,}', 'sk_live_[A-Za-z0-9]{16,}',
    ] | join('|')) }}
{%- endmacro %}

{#- The password of a URL. -#}
{% macro url_password() -%}
    {{ return('(://[^/\\s"\\\\:@?#]*:)[^/\\s"\\\\@]+@') }}
{%- endmacro %}

{#- Where the name of environment variables ends, and what tells that it is one. -#}
{% macro environment_name() -%}
    {%- set colon = '\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*' -%}
    {{ return(
        '(env(?:ironment)?[_-]?var(?:iable)?s?(?:[_-]?overrides?)?|"variables)(' ~ colon ~ '[\\[{])'
        ~ '|("env(?:ironment)?)(' ~ colon ~ '\\[)'
        ~ '|("environment)(' ~ colon ~ '\\{(?:\\s|\\\\+[nrt])*\\\\*"(?-i:[A-Z][A-Z0-9_]*)\\\\*")'
    ) }}
{%- endmacro %}

{#- The name of a secret, and the beginning of what parts it from the secret. -#}
{% macro named_secret() -%}
    {{ return(
        '(' ~ secret_name() ~ ')(\\\\*["\']|\\s?(?:=|%3d|%253d|\\\\+u003d|:\\s))'
        ~ '|(signature|[?&](?:code|sig))(=)|(--[a-z-]*(?:password|passwd|secret|token|key))(\\s)'
    ) }}
{%- endmacro %}

{#- What every text has that has a secret. -#}
{% macro secret_hint() -%}
    {{ return(
        secret_shape() ~ '|' ~ url_password() ~ '|(?i:' ~ named_secret() ~ '|(?:bearer|basic)\\s+[a-z0-9._~+/=-]{16}|' ~ environment_name()
        ~ '|LoginTo|RedirectTo)'
    ) }}
{%- endmacro %}

{#- What matches a secret, and what takes its place (`#1` is the first group), for texts in which JSON is
    quoted up to `deepest` times: a regular expression cannot count, so each rule of JSON is one for
    each time. -#}
{% macro redaction_rules(deepest) -%}
    {%- set space = '(?:\\s|\\\\+[nrt])*' if deepest else '\\s*' -%}
    {%- set colon, comma = space ~ ':' ~ space, space ~ ',' ~ space -%}
    {%- set rules = [
        ['[\\x01\\x02]', ''],
        ['(?i)' ~ named_secret(), '#1#3#5NAMED#2#4#6'],
        ['(?i)' ~ environment_name(), '#1#3#5NAMED#2#4#6'],
        ['(?i)' ~ harmless_value(space), '#1#2#3'],
    ] -%}
    {%- for level in range(deepest + 1) -%}
        {%- do rules.extend(json_rules(level, colon, comma)) -%}
    {%- endfor -%}
    {%- do rules.extend(text_rules()) -%}
    {%- do rules.extend(redirect_rules(deepest, colon)) -%}
    {#- What is quoted in a policy, as its caller likes, hides nothing else of a request. -#}
    {%- if deepest -%}
        {%- set quote = '\\\\(?:\\\\\\\\)*"' -%}
        {%- set text = '(?:[^"\\\\]|\\\\.)*' -%}
        {%- do rules.append([
            '(?i)("policy"' ~ colon ~ '")' ~ text ~ '\\x02(?:' ~ quote ~ colon ~ '(?:' ~ quote
                ~ '(?:[^\\x01"\\\\]|\\\\.)|[\\[{])|\\\\{30})' ~ text ~ '(")',
            '#1GONE#2',
        ]) -%}
    {%- endif -%}
    {%- do rules.append([
        '(?s)\\A.*\\x02(?:\\\\*"' ~ colon ~ '(?:\\\\*"(?:[^\\x01]|\\z)|[\\[{])|\\\\{31}).*\\z',
        '{"redacted": true}',
    ]) -%}
    {{ return(rules) }}
{%- endmacro %}

{#- Named like a secret, and none: yes and no as text, nothing at all, and objects that say which
    credentials or secrets are meant. What is named in them is looked at by itself. -#}
{% macro harmless_value(space) -%}
    {%- set colon, comma = space ~ ':' ~ space, space ~ ',' ~ space -%}
    {%- set member = '\\\\*"(?:[a-z_-]*(?:id|arn|name|type|status|date|region|provider|parameter|valuefrom'
        ~ '|expiration)|[^"\\\\\\x02]*\\x02)\\\\*"' ~ colon
        ~ '(?:"(?:[^"\\\\]|\\\\.)*"|\\\\+"[^"\\\\]*\\\\+"|[a-z0-9.+-]+)' -%}
    {%- set object = '\\{' ~ space ~ member ~ '(?:' ~ comma ~ member ~ ')*' ~ space ~ '\\}' -%}
    {{ return(
        '(credentials?|secrets)\\x02(\\\\*"' ~ colon ~ '(?:' ~ object ~ '|\\[' ~ space ~ object
        ~ '(?:' ~ comma ~ object ~ ')*' ~ space ~ '\\]))'
        ~ '|\\x02("' ~ colon ~ '""' ~ space ~ '[,}]|\\\\*"' ~ colon
        ~ '(?:\\\\*"(?:true|false)\\\\*"' ~ space ~ '[,}]|\\[' ~ space ~ '\\]|\\{' ~ space ~ '\\}))'
    ) }}
{%- endmacro %}

{#- The rules of JSON that is quoted `level` times. A quote that is quoted so often has 2^level - 1
    backslashes before it, behind those of the text itself, 2^(level + 1) for each. -#}
{% macro json_rules(level, colon, comma) -%}
    {%- set escape = '(?:\\\\{' ~ 2 ** (level + 1) ~ '})*' -%}
    {%- set quote = '\\\\{' ~ (2 ** level - 1) ~ '}"' if level else '"' -%}
    {%- set deeper_quote = escape ~ '\\\\{' ~ (2 ** (level + 1) - 1) ~ '}"' -%}
    {%- set string = quote ~ '[^"\\\\]*(?:(?:\\\\+[^"\\\\]|' ~ deeper_quote ~ ')[^"\\\\]*)*' ~ escape
        ~ quote -%}
    {#- Lists and objects, three deep. -#}
    {%- set plain = '[^"\\\\\\[\\]{}]*' -%}
    {%- set part = string ~ ('|\\\\+[nrt]' if level else '') -%}
    {%- set container = namespace(pattern='') -%}
    {%- for depth in range(3) -%}
        {%- set container.pattern = '[\\[{]' ~ plain ~ '(?:(?:' ~ part
            ~ ('|' ~ container.pattern if depth else '') ~ ')' ~ plain ~ ')*[\\]}]' -%}
    {%- endfor -%}
    {%- set list = '\\[' ~ plain ~ '(?:(?:' ~ part ~ ')' ~ plain ~ ')*\\]' -%}
    {%- set members = '(?:' ~ comma ~ string ~ colon ~ '(?:' ~ string ~ '|[a-z0-9.+-]+))*' ~ comma -%}
    {%- set name = '(?:name|key|id|variable|option|header|field|property|parameter|attribute|label)'
        ~ quote ~ colon ~ quote ~ '[^"\\\\]*\\x02' -%}
    {%- set value = quote ~ '[a-z_-]*value' -%}
    {{ return([
        [
            '(\\x02(' ~ quote ~ ')' ~ colon ~ ')(?:' ~ string ~ '|' ~ container.pattern ~ ')',
            '#1#2GONE#2',
        ],
        [
            '(?i)(' ~ name ~ '(' ~ quote ~ ')' ~ members ~ value ~ 's?' ~ quote ~ colon ~ ')(?:'
                ~ string ~ '|' ~ list ~ ')',
            '#1#2GONE#2',
        ],
        [
            '(?i)(' ~ value ~ 's?(' ~ quote ~ ')' ~ colon ~ ')(?:' ~ string ~ '|' ~ list ~ ')('
                ~ members ~ quote ~ '[a-z_-]*' ~ name ~ quote ~ ')',
            '#1#2GONE#2#3',
        ],
    ]) }}
{%- endmacro %}

{#- The rules of what is no JSON: assignments, parameters of URLs, headers, flags of a command, and what
    looks like a secret. A value ends where a quote may stand behind it. -#}
{% macro text_rules() -%}
    {%- set escape = '\\\\+(?:[^"\'\\\\nrtu\\s]|u00(?:[013-9a-f]|2[^6])|u0[1-9a-f]|u[1-9a-f])' -%}
    {%- set value = '(?:[^\\s"\'\\\\&;,]|' ~ escape ~ ')+' -%}
    {{ return([
        [
            '(\\x02\\\\*\'?\\s?(?:=>?|:)\\s?\\\\*["\'])[^"\'\\\\,}\\]:\\s\\x01][^"\'\\\\]*',
            '#1GONE',
        ],
        [
            '(?i)(\\x02(?:\\s?(?:=>?|%3d|%253d|\\\\+u003d)\\s?|\\s?:\\s+|\\s+)'
                ~ '(?:(?:bearer|basic|digest|token)\\s+)?)' ~ value,
            '#1GONE',
        ],
        ['(?i)((?:bearer|basic)\\s+)[a-z0-9._~+/=-]{16,}', '#1GONE'],
        [secret_shape(), 'GONE'],
        [url_password(), '#1GONE@'],
    ]) }}
{%- endmacro %}

{#- What follows `?` or `#` in the console's redirect addresses: sign-in state and codes. -#}
{% macro redirect_rules(deepest, colon) -%}
    {%- set rules = [[
        '("(?:LoginTo|RedirectTo)"' ~ colon ~ '"[^"\\\\?#]*(?:\\\\[^u][^"\\\\?#]*)*)(?:[?#]|\\\\u00)'
            ~ '[^"\\\\]*(?:\\\\.[^"\\\\]*)*(")',
        '#1#2',
    ]] -%}
    {%- if deepest -%}
        {%- do rules.append([
            '((?:LoginTo|RedirectTo)\\\\+"' ~ colon ~ '\\\\+"[^"\\\\?#]*(?:\\\\+[^"\\\\u?#][^"\\\\?#]*)*)'
                ~ '(?:[?#]|\\\\+u00)[^"\\\\]*(?:\\\\+[^"\\\\][^"\\\\]*)*',
            '#1',
        ]) -%}
    {%- endif -%}
    {{ return(rules) }}
{%- endmacro %}
