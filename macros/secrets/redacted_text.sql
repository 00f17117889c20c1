{#- A text, JSON or not, without its secrets: REDACTED stands for each. JSON stays JSON, also where it is
    quoted in JSON, and numbers, booleans and null stay. Where a secret is quoted more than four times,
    or lies deeper below its name than the patterns reach, the text in JSON that has it is gone, or else
    the whole is `{"redacted": true}`, behind the plain members that it begins with. So is a text
    with a hint that has too many characters or names to look for secrets one by one.

    Both engines find secrets by the same regular expressions. Few texts have a hint of one: the others
    are passed on after one look, and those without a backslash have nothing quoted in them. -#}
{% macro redacted_text(text) -%}
    case
        when not {{ has_secret_hint(text) }}
            then {{ text }}
        when
            length({{ text }}) > {{ longest_text_with_secrets() }}
            or {{ count_of_names(text) }} > {{ most_names_with_secrets() }}
            then '{"redacted": true}'
        else {{ text_without_secrets(text) }}
    end
{%- endmacro %}

{#- A text that has a hint and is not too long, without its secrets. -#}
{% macro text_without_secrets(text) -%}
    {{ return(adapter.dispatch('text_without_secrets')(text)) }}
{%- endmacro %}

{#- chr(92) is the backslash: before a quote, dbt's parser for unit tests takes it for an escape. -#}
{% macro duckdb__text_without_secrets(text) -%}
    case
        when contains({{ text }}, chr(92))
            then {{ replaced_secrets(text, 4, '\\', ", 'g'") }}
        else {{ replaced_secrets(text, 0, '\\', ", 'g'") }}
    end
{%- endmacro %}

{% macro athena__text_without_secrets(text) -%}
    {{ replaced_secrets(text, 4, '$', '') }}
{%- endmacro %}

{#- The most characters of a text in which secrets are looked for one by one: Athena's regular
    expressions may take the square of its length. No request that STS takes is as long. -#}
{% macro longest_text_with_secrets() -%}
    {{ return(32000) }}
{%- endmacro %}

{#- The most names and words for values of such a text: from each, Athena's engine may look through all
    the rest. No request that STS takes has as many, so that nobody hides a role by them. -#}
{% macro most_names_with_secrets() -%}
    {{ return(300) }}
{%- endmacro %}

{#- How many words of a text are the name of a name or of a value: each loses one character. -#}
{% macro count_of_names(text) -%}
    {%- set words = 'value|default|val|namespace|type|isvaluesecret|id|' ~ naming_words() -%}
    {%- set pattern = '(?i)((?:' ~ words ~ '|["\\\\][knv])s?\\\\*)"((?:\\s|\\\\+[nrt])*:)|(value) ' -%}
    {{ return(adapter.dispatch('count_of_names')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__count_of_names(text, pattern) -%}
    length({{ text }}) - length({{ with_rules(text, [[pattern, '#1#2#3']], '\\', ", 'g'") }})
{%- endmacro %}

{% macro athena__count_of_names(text, pattern) -%}
    length({{ text }}) - length({{ with_rules(text, [[pattern, '#1#2#3']], '$', '') }})
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

{#- Every rule in turn, for JSON that is quoted up to `deepest` times. Characters that no JSON has stand
    for what is found meanwhile: chr(1) is a secret that is gone, chr(2) ends the name of one, and chr(3)
    begins the next parameter. -#}
{% macro replaced_secrets(text, deepest, group_mark, option) -%}
    {%- set marked = with_rules(text, marking_rules(deepest), group_mark, option) -%}
    {#- Only what is compiled to be looked at may lack rules: what reads logs never does. -#}
    {%- if var('is_linted', false) and flags.WHICH == 'compile' -%}
        {{ return(with_rules(text, marking_rules(deepest)[:1], group_mark, option)) }}
    {%- endif -%}
    {%- set apart = quotes_apart(marked) if deepest else marked -%}
    {%- set without = with_rules(apart, member_rules(deepest), group_mark, option) -%}
    {%- set together = quotes_together(without) if deepest else without -%}
    {%- set left = with_rules(together, text_rules() + withholding_rules(deepest), group_mark, option) -%}
    replace(replace(replace({{ left }}, chr(1), 'REDACTED'), chr(2), ''), chr(3), '')
{%- endmacro %}

{#- A text after some rules: what matches a secret, and what takes its place (`#1` is the first group). -#}
{% macro with_rules(text, rules, group_mark, option) -%}
    {%- set replaced = namespace(sql=text) -%}
    {%- for pattern, replacement in rules -%}
        {%- set by = sql_text(replacement | replace('#', group_mark))
            | replace('GONE', "' || chr(1) || '") | replace('NAMED', "' || chr(2) || '")
            | replace('NEXT', "' || chr(3) || '") -%}
        {%- set replaced.sql = 'regexp_replace(' ~ replaced.sql ~ ', ' ~ sql_text(pattern) ~ ', '
            ~ by ~ option ~ ')' -%}
    {%- endfor -%}
    {{ return(replaced.sql) }}
{%- endmacro %}

{#- A character for each quote of a string, which tells how often it is quoted: a quote that is quoted
    `level` times has 2^level - 1 backslashes before it, behind those of the text itself, 2^(level + 1)
    for each. chr(14) to chr(18) are 2 to 32 backslashes, chr(20) to chr(24) quotes that are
    quoted once to five times. -#}
{% macro quotes_apart(text) -%}
    {%- set replaced = namespace(sql=text) -%}
    {%- for what, by in quote_signs() -%}
        {%- set replaced.sql = 'replace(' ~ replaced.sql ~ ', ' ~ what ~ ', ' ~ by ~ ')' -%}
    {%- endfor -%}
    {{ return(replaced.sql) }}
{%- endmacro %}

{#- The quotes again as they were. -#}
{% macro quotes_together(text) -%}
    {%- set replaced = namespace(sql=text) -%}
    {%- for what, by in quote_signs() | reverse -%}
        {%- set replaced.sql = 'replace(' ~ replaced.sql ~ ', ' ~ by ~ ', ' ~ what ~ ')' -%}
    {%- endfor -%}
    {{ return(replaced.sql) }}
{%- endmacro %}

{#- Pairs of texts and the characters that stand for them, in this order: backslashes are paired from
    the left, so that an odd one stands before the quote. -#}
{% macro quote_signs() -%}
    {%- set signs = [
        ('chr(92) || chr(92)', 'chr(14)'),
        ("chr(92) || '\"'", 'chr(20)'),
    ] -%}
    {%- for level in range(1, 5) -%}
        {%- set backslashes, quote = 'chr(' ~ (13 + level) ~ ')', 'chr(' ~ (19 + level) ~ ')' -%}
        {%- do signs.append([backslashes ~ ' || ' ~ backslashes, 'chr(' ~ (14 + level) ~ ')']) -%}
        {%- do signs.append([backslashes ~ ' || ' ~ quote, 'chr(' ~ (20 + level) ~ ')']) -%}
    {%- endfor -%}
    {{ return(signs) }}
{%- endmacro %}

{#- The end of a secret's name: of a member of an object, a variable, a parameter of a URL. -#}
{% macro secret_name() -%}
    {{ return('(?:' ~ [
        'pass(?:words?|wd|[_-]?(?:code|phrase))', 'pwd', '(?-i:[a-xz]Pass)',
        '(?:[^a-z]|db|user|root|admin|new|old|current|previous|temp|master|login|mail|key|store)pass',
        'secrets?', 'secret[ ._-]?(?:access[ ._-]?)?keys?', 'secret[_-]?to[_-]?authenticate[a-z]{0,16}',
        '(?:' ~ not_ending_in(harmless_tokens()) ~ ')tokens?',
        '(?:api|private|shared|signing|auth|account|shared[_-]?access|encryption|hmac|session|token)'
            ~ '[ _.-]?keys?',
        '(?:storage|blob|azure|primary|secondary)[_-]?(?:access|account)[_-]?keys?',
        '(?:sse|encryption)[_-]?customer[_-]?key',
        '(?:[^a-z]|private)[_-]?key[_-]?material',
        'connection[_-]?(?:string|uri|url)s?', 'conn[_-]?str(?:ing)?',
        'credentials?', 'authorization', 'auth(?:orization)?[_-]?header',
        '(?:\\A|[^a-z]|session[_-]?|set[_-]?)cookies?', '[^a-z]signature',
        '(?:executor|driver|appmaster)env\\.[a-z0-9_]+',
        'assertion', 'saml[_-]?response',
        '(?:x-(?:amz|goog)-|shared[_-]?access[_-]?)signature',
        '(?:\\A|[^a-z])(?:jwt|bearer|psk|pin|otp|pw|plaintext)', '(?-i:[a-z](?:Psk|Pin|Otp|Pw))',
        '[^a-z0-9](?:ssh|host)[_-]?key(?:[_-]?body)?',
        'fs\\.azure\\.(?:account\\.(?:key|oauth2\\.client\\.secret)|sas)(?:\\.[a-z0-9_-]+){1,8}',
        'secret[_-]?(?:key[_-]?base|answers?|code)', 'passw(?:or)?d[_-]?(?:encrypted|field|param|salt)',
        '(?:licen[cs]e|fernet|decryption|subscription|functions|stream)[_-]?key',
        '(?:\\A|[^a-z])(?:rails[_-]?)?(?:master|app)[_-]?key', '(?:basic|http)[_-]?auth', 'kube[_-]?config',
        '(?:\\A|[^a-z])(?:pfx|keystore)', 'keytab', '(?:activation|security)[_-]?code',
        'security[_-]?db[_-]?encryption',
        '(?:token|auth(?:entication|orization)?|confirmation|verification|device|user|mfa|otp)[_-]?code',
        'user[_-]?data', '(?:base32[_-]?string|totp|otp|mfa)[_-]?seed', 'qr[_-]?code[_-]?png',
        escaped_name(),
    ] | join('|') ~ ')(?:[_.-]?(?:[0-9]{1,4}|value|string|(?:plain)?text|base64|b64|hash|binary|data'
        ~ '|confirm(?:ation|ed)?|again|plain|new|old|contents?|material|payload|blob|pem|body|json))?'
        ~ '(?:[_.*?-]|\\[[a-z0-9_]{0,8}\\]|\\]|%5[bd]){0,3}') }}
{%- endmacro %}

{#- The end of a name whose letters are written as escapes, as nobody needs to: the last one of them,
    and what is no letter. -#}
{% macro escaped_name() -%}
    {{ return(
        '\\\\u00(?:2d|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])'
        ~ '(?:[a-z0-9_.-]|\\\\+u00(?:2[0-9a-cef]|3[a-f]|40|5[b-e]|60|7[b-f]))*'
    ) }}
{%- endmacro %}

{#- The beginning of a name that may have any number of letters more, which go. -#}
{% macro overlong_name() -%}
    {{ return('secret[_-]?to[_-]?authenticate[a-z]{16}') }}
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

{#- What a secret looks like, whatever its name: private keys, JSON web tokens, session tokens of
    AWS, tokens that begin with the mark of their issuer, and addresses of webhooks. The group is what
    stands before a mark that is also the end of a word. -#}
{% macro secret_shape() -%}
    {%- set gap = '(?: |\\+|%20|\\\\+u0020)' -%}
    {%- set line_end = '(?:\\s|\\\\+[nr])+' -%}
    {{ return([
        '(?:(?:(?:-|\\\\{1,32}u002d){2,5} ?BEGIN' ~ gap ~ '(?:[A-Z0-9]+' ~ gap ~ '){0,3}PRIVATE' ~ gap
            ~ 'KEY|-----begin private key)(?:[ A-Z-]*' ~ line_end
            ~ '(?:(?:Version|Comment): \\\\*"[A-Za-z0-9][^"\\\\]*\\\\*"' ~ line_end ~ ')*)?'
            ~ '|Private-Lines: [0-9])'
            ~ '[^"\'\\\\<]*(?:\\\\+(?:[nrt/]|u[0-9a-fA-F]{4})[^"\'\\\\<]*)*',
        'eyJ[A-Za-z0-9_-]{8,250}\\.(?:eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*)?'
            ~ '|[A-Za-z0-9_-]*(?:\\.[A-Za-z0-9_-]+){3})',
        '\\.eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*)?',
        '(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz|AQoDYXdz)[A-Za-z0-9+/=%_-]{16,}',
        '(?:gh[opsru]_|github_pat_|AIza|glpat-|dckr_pat_|dop_v1_|pypi-AgE)[A-Za-z0-9_-]{20,}',
        'xox[abeprs]-[A-Za-z0-9-]{10,}', '[sr]k_live_[A-Za-z0-9]{16,}',
        '(\\A|[^A-Za-z0-9_-])(?:sk-(?:(?:ant|proj)-[A-Za-z0-9_-]{16,}|[A-Za-z0-9]{24,})'
            ~ '|(?:npm|hf)_[A-Za-z0-9]{30,}|hv[sb]\\.[A-Za-z0-9_-]{20,}'
            ~ '|SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,})',
        'hooks\\.slack\\.com\\\\*/[A-Za-z0-9/\\\\_-]*[A-Za-z0-9]',
        'discord(?:app)?\\.com\\\\*/api\\\\*/webhooks\\\\*/[A-Za-z0-9/\\\\_-]*[A-Za-z0-9]',
    ] | join('|')) }}
{%- endmacro %}

{#- The password of a URL, to its last `@`; with more escaped slashes, it is a path behind a port. -#}
{% macro url_password() -%}
    {%- set character = '(?:[^/\\s"\\\\]|' ~ escaped_character('/') ~ ')' -%}
    {{ return(
        '(:(?:\\\\*/){2}[^/\\s"\\\\:@?#]*(?::|\\\\+u003a))(?:' ~ character ~ '|\\\\+/)' ~ character
        ~ '*(?:\\\\+/' ~ character ~ '*){0,15}(@|\\\\+u0040)'
    ) }}
{%- endmacro %}

{#- What stands before a password of a command, as curl, mysql, sshpass, redis-cli, docker and PowerShell
    take it, in a line or in a list of arguments. -#}
{% macro command_password() -%}
    {%- set next = '(?:[ \\t]|\\\\*"\\s*,\\s*\\\\*")' -%}
    {%- set words = next ~ '+(?:[^"\\\\|;&\\s]+' ~ next ~ '+){0,12}' -%}
    {{ return(
        '([\\s"\'](?:-u|--(?:proxy-)?user)(?:[\\s=]|\\\\*"\\s*,\\s*\\\\*")'
        ~ '\\s*\\\\*["\']?[a-z_][^\\s:"\'\\\\]*:'
        ~ '|(?:mysql|mariadb)[a-z-]{0,16}' ~ words ~ '-p\'?|sshpass' ~ next ~ '+-p' ~ next ~ '*\'?'
        ~ '|redis-cli' ~ words ~ '-a' ~ next ~ '+\'?|mysqladmin' ~ words ~ 'password' ~ next ~ '+\'?'
        ~ '|curl' ~ words ~ '-u\'?[a-z_][^\\s:"\'\\\\]*:|\\s-pass(?:in|out)?\\s+pass:'
        ~ '|NetworkCredential\\x02?\\(\\s*\\\\*["\'][^"\'\\\\]*\\\\*["\']\\s*,\\s*\\\\*["\']'
        ~ '|(?:docker|podman|helm)' ~ words ~ 'login' ~ words ~ '-p' ~ next ~ '*\'?'
        ~ '|ConvertTo-SecureString\\s+(?:-[a-z]+\\s+)*\\\\*["\']?)([^\\s"\'\\\\-])'
    ) }}
{%- endmacro %}

{#- Environment variables as an error message tells them. -#}
{% macro environment_text() -%}
    {{ return('((?:environment|variables)=\\{)[^{}"\\\\]+') }}
{%- endmacro %}

{#- What makes a value a secret in a command. -#}
{% macro secure_string() -%}
    {{ return('(?:--type[\\s=]\\s*\\\\*["\']?securestring|\\|\\s*ConvertTo-SecureString)') }}
{%- endmacro %}

{#- The names `key` and `auth`, which are mostly of something else, before what looks like a credential:
    in parameters of URLs, and as a member. -#}
{% macro credential_parameter() -%}
    {%- set start, equals = '(?:[?&]|%(?:25)*(?:3f|26)|\\\\u0026)', '(?:=|%(?:25)*3d|\\\\+u003d)' -%}
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
        '(env(?:ironment)?[_-]?var(?:iable)?s?(?:[_-]?overrides?)?|"(?:stage[_-]?)?variables'
        ~ '|"(?:(?:app|application|build|container|docker|driver|execution|executor|function|job|process'
        ~ '|runtime|stage|task|worker)[_-]?)?env(?:iron(?:ment)?)?'
        ~ '(?:[_-]?(?:overrides?|properties|map))?)('
        ~ colon ~ '(?:[\\[{]|\\\\*"(?:\\s|\\\\+[nrt])*(?:[\\[{]|[a-z_][a-z0-9_]*=)))'
    ) }}
{%- endmacro %}

{#- Where a value ends that names a secret though no name of one ends there, beside which it stands. -#}
{% macro paired_name() -%}
    {%- set colon = '\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*\\\\*"' -%}
    {{ return(
        '("(?:(?:[a-z0-9_. -]*(?:' ~ naming_words() ~ ')|[kn]'
        ~ '|[^"\\\\]*\\\\+u00[2-7][0-9a-f][^"\\\\]*)' ~ colon
        ~ '[^"\\\\\\x02]*(?:passw(?:or)?d|secret)[^"\\\\\\x02]*|path' ~ colon
        ~ '/(?:[^"\\\\\\x02]*/)?(?:environment(?:/variables)?|variables/[^"\\\\\\x02]*))'
        ~ '|"type' ~ colon ~ 'securestring|aws:elasticbeanstalk:application:environment)(\\\\*")'
    ) }}
{%- endmacro %}

{#- The same in less exact words: with what may stand before a name, the pattern of all hints would
    have too many states. -#}
{% macro paired_hint() -%}
    {%- set colon = '\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*\\\\*"' -%}
    {{ return(
        '(?:' ~ naming_words() ~ '|"[kn]|u00[2-7][0-9a-f][^"\\\\]*)' ~ colon
        ~ '(?:[^"\\\\]*(?:passw(?:or)?d|secret)|/[^"\\\\]*(?:variables/|environment))'
        ~ '|"type' ~ colon ~ 'securestring|aws:elasticbeanstalk:application:environment'
    ) }}
{%- endmacro %}

{#- Where the name of an access key ends that is no id of one. -#}
{% macro access_key() -%}
    {%- set colon = '\\\\*"(?:\\s|\\\\+[nrt])*:(?:\\s|\\\\+[nrt])*' -%}
    {{ return(
        '("(?:[a-z0-9_.-]*[^a-z0-9\\\\"])?access[_-]?key)(' ~ colon ~ '\\\\*"(?-i:[^A"\\\\]|A[^KS"\\\\]))'
    ) }}
{%- endmacro %}

{% macro naming_words() -%}
    {{ return(
        'name|key|variable|option|header|field|prop(?:erty)?|parameter|attribute|label|path|setting'
        ~ '|title|identifier'
    ) }}
{%- endmacro %}

{#- The name of a secret, and the beginning of what parts it from the secret. -#}
{% macro named_secret() -%}
    {{ return(
        '(' ~ secret_name() ~ ')('
        ~ '(?:\\s|\\\\+[nrt])*(?:\\(?\\\\*["\']|:?=|%(?:25)*3d|\\\\+u003d|:(?:\\s|\\\\+[nrt]))'
        ~ '|>|\\\\+u003e|\\t|\\\\t|' ~ coded_quote() ~ '|\\s+' ~ attribute() ~ '|' ~ next_element()
        ~ '|' ~ next_member() ~ ')'
        ~ '|(signature|(?:[?&]|%(?:25)*(?:3f|26)|\\\\u0026)'
        ~ '(?:code|sig|access[_-]?key|session[_-]?id)'
        ~ '|set\\s+password\\s+for\\s+[^\\s=]+\\s*)'
        ~ '(=|%(?:25)*3d|\\\\+u003d)'
        ~ '|(--(?:-?[a-z])*-?(?:password|passwd|passphrase|requirepass|secret|token|key)'
        ~ '|\\s-(?:passw(?:or)?d|(?:src|dest)?(?:store|key)pass)|:_authtoken'
        ~ '|(?:setx|configure\\s+set)\\s+[a-z0-9_.-]{0,64}(?:password|passwd|secret|token|key)'
        ~ '|identified\\s+(?:with\\s+\\S+\\s+)?(?:by|as))(,?\\s)'
    ) }}
{%- endmacro %}

{#- The name of a secret with a colon and no white space behind it: it begins a word, since in an ARN and
    in a path it is none. -#}
{% macro header_name() -%}
    {{ return(
        '((?:\\A|[\\s"\'{(\\[,;&|_-])(?:authorization|x-[a-z0-9-]{0,40}(?:key|token|secret|signature)|cookie'
        ~ '|passw(?:or)?d|passphrase|pwd|api[_-]?key)'
        ~ '|(?:\\A|[\\s{(\\[,;&|])(?:(?:access|api|auth|bearer|client|id|refresh|session)[_-]?)?'
        ~ '(?:token|secret))(:(?:\\\\*["\'])?[^\\s"\'\\\\,}\\]):/])'
    ) }}
{%- endmacro %}

{#- What stands between the name of a secret and the name of its value, in a text that is no JSON. -#}
{% macro next_member() -%}
    {%- set next = '(?:,|\\\\+n|\\n)(?:\\s|\\\\+[nrt])*' -%}
    {{ return(
        next ~ '(?:\'?[a-z]+\'?\\s*[:=][^,{}"\\\\\\n]*' ~ next
        ~ '){0,8}\'?[a-z]*(?:value|default)\'?\\s*[:=]'
    ) }}
{%- endmacro %}

{#- The same in XML. -#}
{% macro next_element() -%}
    {%- set open, close = '(?:<|\\\\+u003c)', '(?:>|\\\\+u003e)' -%}
    {{ return(
        open ~ '/[a-z:_-]+' ~ close ~ '(?:\\s|\\\\+[nrt])*' ~ open
        ~ '[a-z:_-]*(?:value|default|string)' ~ close
    ) }}
{%- endmacro %}

{#- A quote that is written as JSON or HTML may write one. -#}
{% macro coded_quote() -%}
    {{ return('(?:\\\\+u0022|&(?:quot|#34|#x22);)') }}
{%- endmacro %}

{#- Attributes between the name of an element of XML and its end. -#}
{% macro attribute() -%}
    {{ return(
        '[a-z:_-]+\\s*=\\s*\\\\*["\'][^<>"\'\\x02]*(?:["\'][^<>"\'\\x02]*){0,16}(?:>|\\\\+u003e)'
    ) }}
{%- endmacro %}

{#- A credential behind the word for its kind: a long one, or a short one with a digit in it. -#}
{% macro bearer_token() -%}
    {{ return(
        '((?:bearer|basic)\\s+)[a-z0-9._~+/=-]{16,}'
        ~ '|(bearer\\s+)[a-z._~+/=-]*[0-9][a-z0-9._~+/=-]{2,}'
    ) }}
{%- endmacro %}

{#- What every text has that has a secret. -#}
{% macro secret_hint() -%}
    {{ return(
        secret_shape() ~ '|' ~ url_password() ~ '|(?i:' ~ [
            overlong_name(), named_secret(), header_name(), bearer_token(), environment_name(),
            paired_hint(), access_key(), command_password(), environment_text(), secure_string(),
            credential_parameter(), '(?:env(?:ironment)?|variables):', 'LoginTo', 'RedirectTo',
        ] | join('|') ~ ')'
    ) }}
{%- endmacro %}

{#- The rules that mark the names of secrets. -#}
{% macro marking_rules(deepest) -%}
    {%- set space = '(?:\\s|\\\\+[nrt])*' if deepest else '\\s*' -%}
    {{ return([
        ['[\\x01-\\x03\\x0e-\\x18]', ''],
        ['(?i)(' ~ overlong_name() ~ ')[a-z]+', '#1'],
        ['(?i)' ~ named_secret(), '#1#3#5NAMED#2#4#6'],
        ['(?i)' ~ header_name(), '#1NAMED#2'],
        [
            '(?i)\\x02(?:((?:\\s|\\\\+[nrt])+)(\\\\*"|\'\\s*[:=,)\\]])'
                ~ '|(\\s+[a-z:_-]+\\s*=\\s*\\\\*["\'][^<>\\x02]*)(>|\\\\+u003e))',
            '#1#3NAMED#2#4',
        ],
        ['(?i)' ~ environment_name(), '#1NAMED#2'],
        ['(?i)' ~ paired_name(), '#1NAMED#2'],
        ['(?i)' ~ access_key(), '#1NAMED#2'],
        ['(?i)(isvaluesecret)\\x02(\\\\*"' ~ space ~ ':' ~ space ~ 'false)', '#1#2'],
        ['(?i)' ~ harmless_name(), '#1#2'],
        ['(?i)' ~ harmless_value(space), '#1#2#3'],
    ]) }}
{%- endmacro %}

{#- The rules of members of JSON: a regular expression cannot count, so that most are one for each time
    that the JSON is quoted. -#}
{% macro member_rules(deepest) -%}
    {%- set rules = [harmless_environment(json_parts('any' if deepest else 0, deepest))] -%}
    {%- for level in range(deepest + 1) -%}
        {%- do rules.extend(json_rules(json_parts(level, deepest))) -%}
    {%- endfor -%}
    {%- do rules.extend(unreached_rules(json_parts('any' if deepest else 0, deepest))) -%}
    {{ return(rules) }}
{%- endmacro %}

{#- The rules by which a text goes as a whole where no rule reaches a secret in it. -#}
{% macro withholding_rules(deepest) -%}
    {%- set space = '(?:\\s|\\\\+[nrt])*' if deepest else '\\s*' -%}
    {%- set colon, comma = space ~ ':' ~ space, space ~ ',' ~ space -%}
    {%- set rules = redirect_rules(deepest, colon) -%}
    {%- set coded = coded_quote() ~ '(?:' ~ colon ~ '(?:' ~ coded_quote() ~ '|[\\[{])|' ~ comma
        ~ coded_quote() ~ '(?:value|v)' ~ coded_quote() ~ ')' -%}
    {#- A text that no rule reaches into hides nothing beside it: a caller may choose one of them. -#}
    {%- set quote, text = '\\\\(?:\\\\\\\\)*"', '(?:[^"\\\\]|\\\\.)*' -%}
    {%- do rules.append([
        '(\\A|[^\\\\])"' ~ text ~ '\\x02(?:' ~ quote ~ colon ~ '(?:' ~ quote
            ~ '(?:[^\\x01"\\\\]|\\\\.)|[\\[{])|\\\\{31}.|>\\x01' ~ quote ~ '[^,}\\]\\s"\\\\]|'
            ~ coded ~ ')' ~ text ~ '"',
        '#1"GONE"',
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

{#- Environments of other things than variables, as services tell them: all members are named so. -#}
{% macro harmless_environment(parts) -%}
    {%- set words = [
        'variables', 'environmentVariables', 'error', 'image', 'imagePullCredentialsType', 'fleet',
        'computeConfiguration', 'privilegedMode', 'certificate', 'registryCredential', 'dockerServer',
        'hostKernel', 'description', 'provisioning', 'id', 'arn', 'status', 'name', 'type', 'state',
        'version',
    ] -%}
    {%- set capitals = [] -%}
    {%- for word in words -%}
        {%- do capitals.append('[' ~ word[0] | upper ~ word[0] ~ ']' ~ word[1:]) -%}
    {%- endfor -%}
    {%- set member = parts.quote ~ '(?:(?-i:' ~ capitals | join('|')
        ~ '|[A-Za-z]*[a-z](?:Id|Arn|At|Status|Name|Type|State|Version))\\x02?|' ~ parts.text ~ '\\x02)'
        ~ parts.quote ~ parts.colon ~ parts.value -%}
    {{ return([
        '(?i)("env(?:ironment)?)\\x02(' ~ parts.quote ~ parts.colon ~ '\\{' ~ parts.space ~ member
            ~ '(?:' ~ parts.comma ~ member ~ ')*' ~ parts.space ~ '\\})',
        '#1#2',
    ]) }}
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
        ~ '(?:\\\\*"(?:arn:aws[a-z-]*:kms:|alias/|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\\\\*")'
        ~ '|' ~ object ~ '|\\[' ~ space ~ object
        ~ '(?:' ~ comma ~ object ~ ')*' ~ space ~ '\\]))'
        ~ '|\\x02("' ~ colon ~ '""' ~ space ~ '[,}]|\\\\*"' ~ colon
        ~ '(?:\\\\*"(?:true|false)\\\\*"' ~ space ~ '[,}]|\\[' ~ space ~ '\\]|\\{' ~ space ~ '\\}))'
    ) }}
{%- endmacro %}

{#- The parts of JSON that is quoted `level` times, or `any` number of times; of the latter, strings have
    no JSON in them. Lists and objects are known four deep, and `deeper` begins one that is deeper. -#}
{% macro json_parts(level, deepest) -%}
    {%- set signs = '"\\x14-\\x18' if deepest else '"' -%}
    {%- if level == 'any' -%}
        {%- set quote, others = '[' ~ signs ~ ']', signs -%}
        {%- set string = '(?:"[^"]*"|[\\x14-\\x18][^' ~ signs ~ ']*[\\x14-\\x18])' -%}
    {%- else -%}
        {%- set quote = '\\x1' ~ (3 + level) if level else '"' -%}
        {%- set others = '"\\x14-' ~ quote if level else '"' -%}
        {%- set string = quote ~ '[^' ~ others ~ ']*' ~ quote -%}
    {%- endif -%}
    {%- set space = '(?:\\s|[\\\\\\x0e-\\x12]+[nrt])*' if deepest else '\\s*' -%}
    {%- set colon, comma = space ~ ':' ~ space, space ~ ',' ~ space -%}
    {%- set plain = '[^' ~ signs ~ '\\[\\]{}]*' -%}
    {%- set container = namespace(pattern='', deeper='[\\[{]') -%}
    {%- for depth in range(4) -%}
        {%- set inside = '[\\[{]' ~ plain ~ '(?:' ~ ('(?:' ~ string ~ '|' ~ container.pattern ~ ')'
            if depth else string) ~ plain ~ ')*' -%}
        {%- set container.deeper = inside ~ container.deeper -%}
        {%- set container.pattern = inside ~ '[\\]}]' -%}
    {%- endfor -%}
    {%- set value = '(?:' ~ string ~ '|[a-z0-9.+-]+|' ~ container.pattern ~ ')' -%}
    {%- set text = '[^' ~ others ~ ']*' -%}
    {{ return({
        'quote': quote, 'text': text, 'string': string, 'space': space, 'colon': colon,
        'comma': comma, 'value': value, 'deeper': container.deeper,
        'anything': '(?:' ~ string ~ '|' ~ container.pattern ~ ')',
        'members': '(?:' ~ comma ~ string ~ colon ~ value ~ ')*',
        'unnamed': '(?:' ~ comma ~ string ~ colon ~ '(?:' ~ quote ~ '[^' ~ others ~ '\\x02]*' ~ quote
            ~ '|[a-z0-9.+-]+|' ~ container.pattern ~ '))*',
        'name': quote ~ '(?:(?:[a-z0-9_. -]*(?:id|' ~ naming_words() ~ ')|[kn]|' ~ text
            ~ '[\\\\\\x0e-\\x12]u00' ~ text ~ ')' ~ quote ~ colon ~ quote ~ text
            ~ '|isvaluesecret|type' ~ quote ~ colon ~ quote ~ 'securestring|namespace' ~ quote ~ colon
            ~ quote ~ 'aws:' ~ text ~ ')\\x02',
        'value_name': quote ~ '(?:[a-z0-9_. -]*value(?:[_-]?list)?|val|default|v)s?',
    }) }}
{%- endmacro %}

{#- The rules of secrets that a name tells: the name of the member itself, or one beside it. Of several
    values on one side of a name all between them goes; before the name by a rule of its own, as
    Athena's engine tries all ways of what repeats twice. -#}
{% macro json_rules(parts) -%}
    {%- set quote, colon, anything = parts.quote, parts.colon, parts.anything -%}
    {%- set value = parts.comma ~ parts.value_name ~ quote ~ colon -%}
    {{ return([
        [
            '(?i)(' ~ parts.name ~ '(' ~ quote ~ ')(?:' ~ colon ~ 'true)?' ~ parts.members ~ '?' ~ value
                ~ ')' ~ anything
                ~ '(?:' ~ parts.members ~ value ~ anything ~ ')?',
            '#1#2GONE#2',
        ],
        [
            '(?i)(' ~ parts.value_name ~ '(' ~ quote ~ ')' ~ colon ~ ')' ~ anything
                ~ '(' ~ parts.members ~ parts.comma ~ parts.name ~ quote ~ ')',
            '#1#2GONENEXT#2#3',
        ],
        ['(?i)(\\x01)\\x03(' ~ quote ~ ')' ~ parts.unnamed ~ value ~ anything, '#1#2'],
        ['(\\x02(' ~ quote ~ ')' ~ colon ~ ')' ~ anything, '#1#2GONE#2'],
        [
            '(?i)((?:[\\[,]' ~ parts.space ~ '\\[' ~ parts.space ~ quote ~ parts.text ~ '|' ~ quote
                ~ '-[a-z0-9_.-]*)\\x02(' ~ quote ~ ')' ~ parts.comma ~ ')' ~ anything,
            '#1#2GONE#2',
        ],
    ]) }}
{%- endmacro %}

{#- The rules that mark a value beside a name of a secret which is cut off or too deep, or what is too
    deep between them, so that the whole is withheld. -#}
{% macro unreached_rules(parts) -%}
    {%- set quote, colon = parts.quote, parts.colon -%}
    {%- set unreached = '(' ~ quote ~ colon ~ parts.deeper ~ '(?s:.*?)' -%}
    {{ return([
        [
            '(?i)(' ~ parts.name ~ quote ~ parts.members ~ '?' ~ parts.comma ~ parts.value_name ~ ')('
                ~ quote ~ colon ~ '(?:' ~ quote ~ '(?:[^\\x01]|\\z)|[\\[{]))',
            '#1NAMED#2',
        ],
        [
            '(?i)(' ~ parts.name ~ quote ~ parts.members ~ parts.comma ~ quote ~ parts.text ~ ')'
                ~ unreached ~ parts.value_name ~ quote ~ colon ~ ')',
            '#1NAMED#2',
        ],
        [
            '(?i)(' ~ parts.value_name ~ quote ~ colon ~ parts.anything ~ parts.members
                ~ parts.comma ~ quote ~ parts.text ~ ')' ~ unreached ~ parts.name ~ quote ~ ')',
            '#1NAMED#2',
        ],
    ]) }}
{%- endmacro %}

{#- A character of a value that JSON writes as an escape, and that neither ends it nor is white. -#}
{% macro escaped_character(others='') -%}
    {{ return(
        '\\\\+(?:[^"\'\\\\nrtu\\s' ~ others ~ ']|u00(?:[013-9a-f]|2[^6])|u0[1-9a-f]|u[1-9a-f])'
    ) }}
{%- endmacro %}

{#- The rules of what is no JSON: assignments, parameters of URLs, headers, flags of a command, elements
    of XML, and what looks like a secret. A value goes to what ends it for certain: white space, a
    quote, `;`, or the next `&name=`; to the end of the line where `=` has spaces or `;` parts values. -#}
{% macro text_rules() -%}
    {%- set escape = escaped_character() -%}
    {%- set value = '(?:[&,]*(?:[^\\s"\'\\\\&;,\\x03]|' ~ escape ~ '))+' -%}
    {%- set line = '(?:[^;"\'\\\\\\r\\n\\x01\\x03]|' ~ escape ~ ')+' -%}
    {%- set schemes = 'bearer|basic|digest|token|apikey|splunk|geniekey|ssws' -%}
    {%- set end_of_line = '(?:\\r?\\n|(?:\\\\+r)?\\\\+n)' -%}
    {%- set rest_of_line = '(?:[^\\n"\\\\]|\\\\+[^"\\\\nr])*' -%}
    {%- set element = '(?:[^<"\\\\]|\\\\+(?:[^"\\\\u]|u(?:[1-9a-f]|0[1-9a-f]|00[0-24-9a-f]|003[^c])))+' -%}
    {{ return([
        ['(?i)([&,]\\s?[a-z0-9_.~\\[\\]-]{1,64}\\x02?(?:=|%3d|:\\s))', 'NEXT#1'],
        [
            '\\x02((?:\\\\*["\'])?\\s*:[ \\t]*(?:(?:' ~ end_of_line
                ~ '(?:[ \\t]|\\\\t)+(?:- )?)?(?:Fn::[A-Za-z0-9]+:|![A-Za-z0-9]+)[ \\t]*)*)'
                ~ '(?:[>|][0-9+-]*[ \\t]*'
                ~ '(?:' ~ end_of_line ~ '+(?:[ \\t]|\\\\t)' ~ rest_of_line ~ ')+'
                ~ '|(?:' ~ end_of_line ~ '(?:[ \\t]|\\\\t)*- ' ~ rest_of_line ~ ')+)',
            '#1GONE',
        ],
        [
            '(?i)(\\b(?:env(?:ironment)?|variables):)[ \\t]*(?:' ~ end_of_line
                ~ '(?:(?:[ \\t]|\\\\t)+-?|- )[ \\t]*[a-z_]' ~ rest_of_line ~ ')+',
            '#1 GONE',
        ],
        [
            '(?i)(\\x02(?:(?:\\\\*["\'])?\\s*(?:>|\\\\+u003e)|' ~ next_element() ~ ')(?:\\s|\\\\+[nrt])*'
                ~ '(?:(?:<|\\\\+u003c)(?:!\\[CDATA\\[|[a-z:_-]*(?:value|string)(?:>|\\\\+u003e)))?)'
                ~ element,
            '#1GONE',
        ],
        ['(?i)(\\x02\\\\*["\']\\s+[a-z]*value\\s*=\\s*\\\\*["\'])[^"\'\\\\]+', '#1GONE'],
        [
            '(?i)(\\svalue\\s*=\\s*\\\\*["\'])[^"\'\\\\<>]+(\\\\*["\']\\s[^<>"\'\\\\]*(?:key|name)\\s*='
                ~ '\\s*\\\\*["\'][^"\'\\\\<>]*\\x02)',
            '#1GONE#2',
        ],
        [
            '(?i)(\\x02(?:\\\\*\'?\\s*(?:=>?|:=?)\\s*[brun$]{0,2}(?:\\\\*["\']){1,3}'
                ~ '|\\\\*["\']\\s*=>\\s*\\\\*["\']'
                ~ '|\\s*[\\s(]\\s*\')|\\(\\\\*["\'][a-z0-9_.-]*\\x02\\\\*["\'],\\s*\\\\*["\'])'
                ~ '[^"\'\\\\,}\\]:\\s\\x01][^"\'\\\\]*',
            '#1GONE',
        ],
        [
            '(\\x02\\\\*["\']\\s*:\\s*)[0-9.+-]*(?:[^\\s"\'\\\\,{}\\[\\]0-9.+eEtTfFnN-]|[tT][^rR\\s,}\\]]'
                ~ '|[fF][^aA\\s,}\\]]|[nN][^uUoO\\s,}\\]])[^\\s"\'\\\\,}\\]]*',
            '#1GONE',
        ],
        [
            '(?i)((?:identified|setx)\\s[^\\x02"\']{1,80}|\\s--?[a-z-]{1,40})'
                ~ '(?:(\\s+)\\x02|\\x02(\\s+(?:values\\s+)?))(\\\\*["\'])[^"\'\\\\\\s\\x01,:}\\]][^"\'\\\\]*',
            '#1#2#3#4GONE',
        ],
        ['(?i)' ~ environment_text(), '#1GONE'],
        ['(?i)(["\'])[^"\'\\\\\\n]+(\\\\*["\']\\s*\\|\\s*ConvertTo-SecureString)', '#1GONE#2'],
        ['(?i)(--value[\\s=]\\s*\\\\*["\']?)' ~ value ~ '([^;|\\n]{0,200}' ~ secure_string() ~ ')', '#1GONE#2'],
        ['(?i)(' ~ secure_string() ~ '[^;|\\n]{0,200}--value[\\s=]\\s*\\\\*["\']?)' ~ value, '#1GONE'],
        ['(?i)(\\x02\\s+=\\s*|\\x02\\s*=\\s+|;\\s*[a-z _-]*\\x02=)' ~ line, '#1GONE'],
        [
            '(?i)(\\x02=)[^;"\'\\\\\\s&\\x01-\\x03][^;"\'\\\\\\r\\n&\\x01-\\x03]*(;\\s*[a-z _-]+\\x02?=)',
            '#1GONE#2',
        ],
        [
            '(?i)\\x02((?:\\\\*["\'])?:?\\x03?' ~ next_member() ~ '\\s*(?:\\\\*["\'])?)'
                ~ '[^"\'\\\\,})\\]\\s\\x01][^"\'\\\\,})\\]\\n]*',
            '#1GONE',
        ],
        [
            '(?i)(\\x02(?:(?:\\s|\\\\+[nrt])*(?:=>?|%(?:25)*3d|\\\\+u003d|:=)(?:\\s|\\\\+[nrt])?'
                ~ '|\\s*:(?:\\s|\\\\+[nrt])*|\\s+|\\\\t)'
                ~ '(?:(?:' ~ schemes ~ '|value:|[&!][a-z0-9_!-]+)\\s+)?)' ~ value,
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
            '(?i)(value \\\\*[\'"])(?:[^\'"\\\\]|[\'"](?:\\S|\\s(?:[^a]|a[^t]))|' ~ escape
                ~ ')+(\\\\*[\'"] at \\\\*[\'"][^\'"\\\\\\x02]*\\x02)',
            '#1GONE#2',
        ],
        ['(?i)' ~ credential_parameter(), '#1#2GONE#3'],
        ['(?i)' ~ bearer_token(), '#1#2GONE'],
        [
            '(?i)(authorization\\x02\\\\*"\\s*,\\s*\\\\*"(?:' ~ schemes ~ ')\\s+)[^\\s"\\\\]+',
            '#1GONE',
        ],
        [secret_shape(), '#1GONE'],
        [url_password(), '#1GONE#2'],
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
