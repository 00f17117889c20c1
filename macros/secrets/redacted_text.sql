{#- A text, JSON or not, without its secrets: REDACTED stands for each. JSON stays JSON, also where it is
    quoted in JSON, and numbers, booleans and null stay. Where a secret is quoted more than four times,
    or lies deeper below its name than the patterns reach, the text in JSON that has it is gone, or else
    the whole is `{"redacted": true}`, behind the plain members that it begins with.

    Both engines find secrets by the same regular expressions. Few texts have a hint of one: the others
    are passed on after one look, and those without a backslash have nothing quoted in them. -#}
{% macro redacted_text(text) -%}
    {{ return(adapter.dispatch('redacted_text')(text)) }}
{%- endmacro %}

{#- chr(92) is the backslash: before a quote, dbt's parser for unit tests takes it for an escape. -#}
{% macro duckdb__redacted_text(text) -%}
    case
        when not {{ has_secret_hint(text) }}
            then {{ text }}
        when contains({{ text }}, chr(92))
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

{#- Every rule in turn. Characters that no JSON has stand for what is found meanwhile: chr(1) is a secret
    that is gone, chr(2) ends the name of one, and chr(3) begins the next parameter. -#}
{% macro replaced_secrets(text, rules, group_mark, option) -%}
    {%- set replaced = namespace(sql=text) -%}
    {#- Only what is compiled to be looked at may lack rules: what reads logs never does. -#}
    {%- set is_linted = var('is_linted', false) and flags.WHICH == 'compile' -%}
    {%- for pattern, replacement in (rules[:1] if is_linted else rules) -%}
        {%- set by = sql_text(replacement | replace('#', group_mark))
            | replace('GONE', "' || chr(1) || '") | replace('NAMED', "' || chr(2) || '")
            | replace('NEXT', "' || chr(3) || '") -%}
        {%- set replaced.sql = 'regexp_replace(' ~ replaced.sql ~ ', ' ~ sql_text(pattern) ~ ', '
            ~ by ~ option ~ ')' -%}
    {%- endfor -%}
    replace(replace(replace({{ replaced.sql }}, chr(1), 'REDACTED'), chr(2), ''), chr(3), '')
{%- endmacro %}

{#- The end of a secret's name: of a member of an object, a variable, a parameter of a URL. -#}
{% macro secret_name() -%}
    {{ return('(?:' ~ [
        'pass(?:words?|wd|code|phrase)', 'pwd', '(?-i:[a-xz]Pass)',
        '(?:[^a-z]|db|user|root|admin|new|old|current|previous|temp|master|login|mail|key|store)pass',
        'secrets?', 'secret[_-]?(?:access[_-]?)?keys?',
        '(?:' ~ not_ending_in(harmless_tokens()) ~ ')tokens?',
        '(?:api|private|shared|signing|auth|account|shared[_-]?access|encryption|hmac)[ _.-]?keys?',
        '(?:storage|blob|azure|primary|secondary)[_-]?(?:access|account)[_-]?keys?',
        '(?:sse|encryption)[_-]?customer[_-]?key',
        '(?:[^a-z]|private)[_-]?key[_-]?material',
        'connection[_-]?(?:string|uri|url)s?', 'conn[_-]?str(?:ing)?',
        'credentials?', 'authorization', 'auth[_-]?header', '(?:[^a-z]|session[_-]?|set-)cookies?',
        'assertion', 'saml[_-]?response',
        '(?:x-(?:amz|goog)-|shared[_-]?access[_-]?)signature',
        '[^a-z](?:jwt|bearer|psk|pin|otp|pw|plaintext)', '(?-i:[a-z](?:Psk|Pin|Otp|Pw))',
        '[^a-z0-9](?:ssh|host)[_-]?key(?:[_-]?body)?',
        '(?:token|auth(?:entication|orization)?|confirmation|verification|device|user|mfa|otp)[_-]?code',
        'user[_-]?data', '(?:base32[_-]?string|totp|otp|mfa)[_-]?seed', 'qr[_-]?code[_-]?png',
        escaped_name(),
    ] | join('|') ~ ')(?:[_.-]?(?:[0-9]{1,2}|value|string|(?:plain)?text|base64|b64|hash|binary'
        ~ '|data))?') }}
{%- endmacro %}

{#- A name whose letters are written as escapes, as nobody needs to. -#}
{% macro escaped_name() -%}
    {{ return(
        '\\\\+u00(?:2d|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])'
        ~ '(?:[a-z0-9_.-]|\\\\+u00[2-7][0-9a-f])*'
    ) }}
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
    tokens of GitHub, Slack, Stripe and Google, and addresses of webhooks. -#}
{% macro secret_shape() -%}
    {{ return([
        '(?:-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|Private-Lines: [0-9])'
            ~ '[^"\'\\\\<]*(?:\\\\+[nrt/][^"\'\\\\<]*)*',
        'eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*)?',
        '(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=%_-]{16,}',
        'gh[opsru]_[A-Za-z0-9]{30,}', 'github_pat_[A-Za-z0-9_]{30,}',
        'xox[abeprs]-[A-Za-z0-9-]{10,}', 'sk_live_[A-Za-z0-9]{16,}',
        'AIza[A-Za-z0-9_-]{30,}',
        'hooks\\.slack\\.com/[A-Za-z0-9/_-]+', 'discord(?:app)?\\.com/api/webhooks/[A-Za-z0-9/_-]+',
    ] | join('|')) }}
{%- endmacro %}

{#- The password of a URL, to its last `@`. -#}
{% macro url_password() -%}
    {{ return('(://[^/\\s"\\\\:@?#]*:)(?:[^/\\s"\\\\]|' ~ escaped_character() ~ ')+@') }}
{%- endmacro %}

{#- What stands before a password of a command, as curl, mysql, sshpass, redis-cli, docker and PowerShell
    take it, in a line or in a list of arguments. -#}
{% macro command_password() -%}
    {%- set next = '(?:[ \\t]|\\\\*"\\s*,\\s*\\\\*")' -%}
    {%- set words = next ~ '+(?:[^"\\\\|;&\\s]+' ~ next ~ '+)*' -%}
    {{ return(
        '([\\s"\'](?:-u|--(?:proxy-)?user)(?:[\\s=]|\\\\*"\\s*,\\s*\\\\*")'
        ~ '\\s*\\\\*["\']?[a-z_][^\\s:"\'\\\\]*:'
        ~ '|(?:mysql|mariadb)[a-z-]*' ~ words ~ '-p\'?|sshpass' ~ next ~ '+-p' ~ next ~ '*\'?'
        ~ '|redis-cli' ~ words ~ '-a' ~ next ~ '+\'?'
        ~ '|(?:docker|podman|helm)' ~ words ~ 'login' ~ words ~ '-p' ~ next ~ '*\'?'
        ~ '|ConvertTo-SecureString\\s+(?:-[a-z]+\\s+)*\\\\*["\']?)([^\\s"\'\\\\-])'
    ) }}
{%- endmacro %}

{#- The names `key` and `auth`, which are mostly of something else, before what looks like a credential:
    in parameters of URLs, and as a member. -#}
{% macro credential_parameter() -%}
    {%- set start, equals = '(?:[?&]|%(?:25)*(?:3f|26)|\\\\+u0026)', '(?:=|%(?:25)*3d|\\\\+u003d)' -%}
    {{ return(
        '(?:(' ~ start ~ 'key' ~ equals ~ ')[a-z0-9_-]{20,}|(' ~ start ~ 'auth' ~ equals
        ~ '|"auth\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*\\\\*")[a-z0-9+/_-]{20,}=*)'
        ~ '([&#"\'\\\\\\s;\\x03]|\\z)'
    ) }}
{%- endmacro %}

{#- Where the name of environment variables ends, and what tells that it is one. -#}
{% macro environment_name() -%}
    {%- set colon = '\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*' -%}
    {{ return(
        '(env(?:ironment)?[_-]?var(?:iable)?s?(?:[_-]?overrides?)?|"variables|"env(?:ironment)?)('
        ~ colon ~ '[\\[{])'
    ) }}
{%- endmacro %}

{#- Where a value ends that names a secret though no name of one ends there, beside which it stands. -#}
{% macro paired_name() -%}
    {%- set colon = '\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*\\\\*"' -%}
    {{ return(
        '("(?:[a-z0-9_. -]*(?:' ~ naming_words() ~ ')|k)' ~ colon
        ~ '[^"\\\\\\x02]*(?:passw(?:or)?d|secret)[^"\\\\\\x02]*'
        ~ '|"type' ~ colon ~ 'securestring|aws:elasticbeanstalk:application:environment)(\\\\*")'
    ) }}
{%- endmacro %}

{% macro naming_words() -%}
    {{ return('name|key|variable|option|header|field|property|parameter|attribute|label') }}
{%- endmacro %}

{#- The name of a secret, and the beginning of what parts it from the secret. -#}
{% macro named_secret() -%}
    {{ return(
        '(' ~ secret_name() ~ ')(\\s*(?:\\\\*["\']|=|%(?:25)*3d|\\\\+u003d|:(?:\\s|\\\\+[nrt]))'
        ~ '|>|\\\\+u003e|\\t|\\\\t|' ~ coded_quote() ~ '|\\s+' ~ attribute()
        ~ '|,\\s*(?:[a-z]+\\s*[:=][^,{}"\'\\\\]*,\\s*)*[a-z]*(?:value|default)\\s*[:=])'
        ~ '|(signature|(?:[?&]|%(?:25)*(?:3f|26)|\\\\+u0026)(?:code|sig))(=|%(?:25)*3d|\\\\+u003d)'
        ~ '|(--[a-z-]*(?:password|passwd|secret|token|key))(,?\\s)'
    ) }}
{%- endmacro %}

{#- A quote that is written as JSON or HTML may write one. -#}
{% macro coded_quote() -%}
    {{ return('(?:\\\\+u0022|&(?:quot|#34|#x22);)') }}
{%- endmacro %}

{#- Attributes between the name of an element of XML and its end. -#}
{% macro attribute() -%}
    {{ return('[a-z:_-]+\\s*=\\s*\\\\*["\'][^<>\\x02]*(?:>|\\\\+u003e)') }}
{%- endmacro %}

{#- What every text has that has a secret. -#}
{% macro secret_hint() -%}
    {{ return(
        secret_shape() ~ '|' ~ url_password() ~ '|(?i:' ~ named_secret()
        ~ '|(?:bearer|basic)\\s+[a-z0-9._~+/=-]{16}|' ~ environment_name() ~ '|' ~ paired_name()
        ~ '|' ~ command_password() ~ '|' ~ credential_parameter() ~ '|LoginTo|RedirectTo)'
    ) }}
{%- endmacro %}

{#- What matches a secret, and what takes its place (`#1` is the first group), for texts in which JSON is
    quoted up to `deepest` times: a regular expression cannot count, so each rule of JSON is one for
    each time. -#}
{% macro redaction_rules(deepest) -%}
    {%- set space = '(?:\\s|\\\\+[nrt])*' if deepest else '\\s*' -%}
    {%- set colon, comma = space ~ ':' ~ space, space ~ ',' ~ space -%}
    {%- set rules = [
        ['[\\x01-\\x03]', ''],
        ['(?i)' ~ named_secret(), '#1#3#5NAMED#2#4#6'],
        [
            '(?i)\\x02(?:(\\s+)(\\\\*["\'])|(\\s+[a-z:_-]+\\s*=\\s*\\\\*["\'][^<>\\x02]*)(>|\\\\+u003e))',
            '#1#3NAMED#2#4',
        ],
        ['(?i)' ~ environment_name(), '#1NAMED#2'],
        ['(?i)' ~ paired_name(), '#1NAMED#2'],
        ['(?i)' ~ harmless_name(), '#1#2'],
        ['(?i)' ~ harmless_value(space), '#1#2#3'],
        ['(?i)' ~ harmless_environment(colon), '#1#2#3#4'],
    ] -%}
    {%- for level in range(deepest + 1) -%}
        {%- do rules.extend(json_rules(level, space, colon, comma)) -%}
    {%- endfor -%}
    {%- do rules.extend(text_rules()) -%}
    {%- do rules.extend(redirect_rules(deepest, colon)) -%}
    {%- set coded = coded_quote() ~ '(?:' ~ colon ~ '(?:' ~ coded_quote() ~ '|[\\[{])|' ~ comma
        ~ coded_quote() ~ '(?:value|v)' ~ coded_quote() ~ ')' -%}
    {#- A text that no rule reaches into hides nothing beside it: a caller may choose one of them. -#}
    {%- set quote, text = '\\\\(?:\\\\\\\\)*"', '(?:[^"\\\\]|\\\\.)*' -%}
    {%- do rules.append([
        '"' ~ text ~ '\\x02(?:' ~ quote ~ colon ~ '(?:' ~ quote
            ~ '(?:[^\\x01"\\\\]|\\\\.)|[\\[{])|\\\\{31}.|>\\x01' ~ quote ~ '[^,}\\]\\s"\\\\]|'
            ~ coded ~ ')' ~ text ~ '"',
        '"GONE"',
    ]) -%}
    {%- set rest = '.*\\x02(?:\\\\*"' ~ colon ~ '(?:\\\\*"(?:[^\\x01]|\\z)|[\\[{])|\\\\{31}'
        ~ '|>\\x01\\\\*"[^,}\\]\\s\\\\]|' ~ coded ~ ').*\\z' -%}
    {#- Plain members before it stay. -#}
    {%- do rules.append([
        '(?s)\\A(\\{(?:"[A-Za-z]+":"[^"\\\\\\x01\\x02]*",)*)' ~ rest, '#1"redacted": true}',
    ]) -%}
    {%- do rules.append(['(?s)\\A' ~ rest, '{"redacted": true}']) -%}
    {{ return(rules) }}
{%- endmacro %}

{#- What a secret's name is followed by where the whole is the name of something else. -#}
{% macro harmless_name() -%}
    {%- set words = [
        'file', 'path', 'arn', 'id', 'name', 'policy', 'length', 'age', 'date', 'type', 'version',
        'count', 'days', 'enabled', 'required', 'rotation', 'used', 'changed',
    ] -%}
    {{ return(
        '([_./ -](?:' ~ words | join('|') ~ ')|(?-i:[a-z](?:' ~ words | map('capitalize') | join('|')
        ~ ')))\\x02(\\\\*")'
    ) }}
{%- endmacro %}

{#- Environments of other things than variables, as Lambda and CodeBuild tell them, and names of keys
    of KMS. -#}
{% macro harmless_environment(colon) -%}
    {%- set member = '(?-i:[Vv]ariables|[Ee]rror|[Tt]ype|[Ii]mage|[Cc]omputeType|[Ff]leet|[Aa]rn'
        ~ '|[Ee]nvironmentVariables|[Pp]rivilegedMode|[Cc]ertificate|[Rr]egistryCredential'
        ~ '|[Ii]magePullCredentialsType|[a-z]+(?:Id|Arn|At|Status))' -%}
    {{ return(
        '("env(?:ironment)?)\\x02(\\\\*"' ~ colon ~ '\\{(?:\\s|\\\\+[nrt])*\\\\*"' ~ member
        ~ '\\x02?\\\\*")'
        ~ '|(encryption[_-]?key)\\x02(\\\\*"' ~ colon
        ~ '\\\\*"(?:arn:aws[a-z-]*:kms:|alias/|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\\\\*"))'
    ) }}
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
        '(credentials?|secrets|encryption[_-]?key)\\x02(\\\\*"' ~ colon
        ~ '(?:' ~ object ~ '|\\[' ~ space ~ object
        ~ '(?:' ~ comma ~ object ~ ')*' ~ space ~ '\\]))'
        ~ '|\\x02("' ~ colon ~ '""' ~ space ~ '[,}]|\\\\*"' ~ colon
        ~ '(?:\\\\*"(?:true|false)\\\\*"' ~ space ~ '[,}]|\\[' ~ space ~ '\\]|\\{' ~ space ~ '\\}))'
    ) }}
{%- endmacro %}

{#- The rules of JSON that is quoted `level` times. A quote that is quoted so often has 2^level - 1
    backslashes before it, behind those of the text itself, 2^(level + 1) for each. -#}
{% macro json_rules(level, space, colon, comma) -%}
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
    {%- set members = '(?:' ~ comma ~ string ~ colon ~ '(?:' ~ string ~ '|[a-z0-9.+-]+|'
        ~ container.pattern ~ '))*'
        ~ comma -%}
    {%- set name = quote ~ '(?:(?:[a-z0-9_. -]*(?:id|' ~ naming_words() ~ ')|k)' ~ quote ~ colon ~ quote
        ~ '[^"\\\\]*|type' ~ quote ~ colon ~ quote ~ 'securestring|namespace' ~ quote ~ colon ~ quote
        ~ 'aws:[^"\\\\]*)\\x02' -%}
    {%- set value = quote ~ '(?:[a-z0-9_. -]*value|default|v)s?' -%}
    {%- set anything = '(?:' ~ string ~ '|' ~ container.pattern ~ ')' -%}
    {{ return([
        ['(\\x02(' ~ quote ~ ')' ~ colon ~ ')' ~ anything, '#1#2GONE#2'],
        [
            '(?i)(' ~ name ~ '(' ~ quote ~ ')' ~ members ~ value ~ quote ~ colon ~ ')' ~ anything,
            '#1#2GONE#2',
        ],
        [
            '(?i)(' ~ value ~ '(' ~ quote ~ ')' ~ colon ~ ')' ~ anything ~ '(' ~ members ~ name ~ quote
                ~ ')',
            '#1#2GONE#2#3',
        ],
        [
            '(?i)((?:[\\[,]' ~ space ~ '\\[' ~ space ~ quote ~ '[^"\\\\]*|' ~ quote
                ~ '-[a-z0-9_.-]*)\\x02(' ~ quote ~ ')' ~ comma ~ ')' ~ anything,
            '#1#2GONE#2',
        ],
    ]) }}
{%- endmacro %}

{#- A character of a value that JSON writes as an escape, and that neither ends it nor is white. -#}
{% macro escaped_character() -%}
    {{ return(
        '\\\\+(?:[^"\'\\\\nrtu\\s]|u00(?:[013-9a-f]|2[^6])|u0[1-9a-f]|u[1-9a-f])'
    ) }}
{%- endmacro %}

{#- The rules of what is no JSON: assignments, parameters of URLs, headers, flags of a command, elements
    of XML, and what looks like a secret. A value goes to what ends it for certain: white space, a
    quote, `;`, or the next `&name=`; to the end of the line where `=` has spaces or `;` parts values. -#}
{% macro text_rules() -%}
    {%- set escape = escaped_character() -%}
    {%- set value = '(?:[&,]*(?:[^\\s"\'\\\\&;,\\x03]|' ~ escape ~ '))+' -%}
    {%- set line = '(?:[^;"\'\\\\\\r\\n\\x01\\x03]|' ~ escape ~ ')+' -%}
    {%- set end_of_line = '(?:\\r?\\n|(?:\\\\+r)?\\\\+n)' -%}
    {%- set element = '(?:[^<"\\\\]|\\\\+(?:[^"\\\\u]|u(?:[1-9a-f]|0[1-9a-f]|00[0-24-9a-f]|003[^c])))+' -%}
    {{ return([
        ['(?i)([&,]\\s?[a-z0-9_.~\\[\\]-]{1,64}\\x02?(?:=|%3d|:\\s))', 'NEXT#1'],
        [
            '(\\x02(?:\\\\*["\'])?\\s*:\\s+)[>|][0-9+-]*[ \\t]*(?:' ~ end_of_line ~ '+(?:[ \\t]|\\\\t)'
                ~ '(?:[^\\n"\\\\]|\\\\+[^"\\\\nr])*)+',
            '#1GONE',
        ],
        [
            '(\\x02(?:\\\\*["\'])?\\s*(?:>|\\\\+u003e)(?:(?:<|\\\\+u003c)!\\[CDATA\\[)?)' ~ element,
            '#1GONE',
        ],
        ['(?i)(\\x02\\\\*["\']\\s+[a-z]*value\\s*=\\s*\\\\*["\'])[^"\'\\\\]+', '#1GONE'],
        [
            '(?i)(\\svalue\\s*=\\s*\\\\*["\'])[^"\'\\\\<>]+(\\\\*["\']\\s[^<>"\'\\\\]*(?:key|name)\\s*='
                ~ '\\s*\\\\*["\'][^"\'\\\\<>]*\\x02)',
            '#1GONE#2',
        ],
        [
            '(\\x02\\\\*\'?\\s*(?:=>?|:)\\s*\\\\*["\'])[^"\'\\\\,}\\]:\\s\\x01][^"\'\\\\]*',
            '#1GONE',
        ],
        ['(?i)(\\x02\\s+=\\s*|\\x02\\s*=\\s+|;\\s*[a-z _-]*\\x02=)' ~ line, '#1GONE'],
        [
            '(?i)(\\x02=)[^;"\'\\\\\\s&\\x01\\x03][^;"\'\\\\\\r\\n&\\x01\\x03]*(;\\s*[a-z _-]+\\x02?=)',
            '#1GONE#2',
        ],
        [
            '(?i)(\\x02(?:\\s*(?:=>?|%(?:25)*3d|\\\\+u003d)\\s?|\\s*:(?:\\s|\\\\+[nrt])+|\\s+|\\\\t)'
                ~ '(?:(?:bearer|basic|digest|token)\\s+)?)' ~ value,
            '#1GONE',
        ],
        ['(?i)' ~ command_password() ~ '[^\\s"\'\\\\]*', '#1GONE'],
        [
            '(?i)(["\']-[a-z0-9_.-]*\\x02\\\\*["\']\\s*,\\s*\\\\*["\'])[^"\'\\\\\\x01][^"\'\\\\]*',
            '#1GONE',
        ],
        [
            '(?i)([\\[,]\\s*-[a-z0-9_.-]*\\x02,\\s+)[^-"\'\\\\,\\]\\s\\x01][^"\'\\\\,\\]\\s]*([,\\]])',
            '#1GONE#2',
        ],
        [
            '(?i)(\\x02\'?\\x03?,\\s*(?:\'?[a-z]+\'?\\s*[:=][^,{}"\\\\]*,\\s*)*\'?[a-z]*'
                ~ '(?:value|default)\'?\\s*[:=]\\s*\'?)[^"\'\\\\,})\\]\\s\\x01][^"\'\\\\,})\\]]*',
            '#1GONE',
        ],
        [
            '(?i)(value \\\\*[\'"])(?:[^\'"\\\\]|[\'"](?:\\S|\\s(?:[^a]|a[^t]))|' ~ escape
                ~ ')+(\\\\*[\'"] at \\\\*[\'"][^\'"\\\\\\x02]*\\x02)',
            '#1GONE#2',
        ],
        ['(?i)' ~ credential_parameter(), '#1#2GONE#3'],
        ['(?i)((?:bearer|basic)\\s+)[a-z0-9._~+/=-]{16,}', '#1GONE'],
        [
            '(?i)(authorization\\x02\\\\*"\\s*,\\s*\\\\*"(?:bearer|basic|digest|token)\\s+)[^\\s"\\\\]+',
            '#1GONE',
        ],
        [secret_shape(), 'GONE'],
        [url_password(), '#1GONE@'],
    ]) }}
{%- endmacro %}

{#- What follows `?` or `#` in the console's redirect addresses, also where these are encoded: sign-in
    state and codes. -#}
{% macro redirect_rules(deepest, colon) -%}
    {%- set start = '(?:[?#]|\\\\+u00|%(?:25)*(?:3f|23))' -%}
    {%- set rules = [[
        '(?i)("(?:LoginTo|RedirectTo)"' ~ colon ~ '"(?:[^"\\\\?#]|\\\\[^u])*?)' ~ start
            ~ '[^"\\\\]*(?:\\\\.[^"\\\\]*)*(")',
        '#1#2',
    ]] -%}
    {%- if deepest -%}
        {%- do rules.append([
            '(?i)((?:LoginTo|RedirectTo)\\\\+"' ~ colon ~ '\\\\+"(?:[^"\\\\?#]|\\\\+[^"\\\\u])*?)' ~ start
                ~ '[^"\\\\]*(?:\\\\+[^"\\\\][^"\\\\]*)*',
            '#1',
        ]) -%}
    {%- endif -%}
    {{ return(rules) }}
{%- endmacro %}
