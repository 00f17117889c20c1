{#- RULES 10: a digest of a raw record: 32 hexadecimal digits of the SHA-256 of its typed fields as logged,
    with their secrets. On one engine it is the same for the same record, whatever the layout of its
    JSON, and differs for unlike records of one event id. The event id and the account are not part of
    it. `fields` comes from `raw_fields`. -#}
{% macro record_digest(fields) -%}
    {%- set texts = [] -%}
    {%- for column, path, kind in record_fields() if kind == 'time' -%}
        {%- do texts.append('cast(' ~ iso_timestamp(raw_field(fields, path)) ~ ' as varchar)') -%}
    {%- endfor -%}
    {#- In an order of their own: another one gives other digests than are stored. -#}
    {%- for path in [
        'readonly', 'managementevent', 'sessioncredentialfromconsole',
        'useridentity.sessioncontext.attributes.mfaauthenticated',
        'useridentity.sessioncontext.assumedroot',
    ] -%}
        {%- do texts.append('lower(' ~ raw_field(fields, path) ~ ')') -%}
    {%- endfor -%}
    {%- for column, path, kind in record_fields() if kind in ('text', 'host') -%}
        {%- do texts.append(raw_field(fields, path)) -%}
    {%- endfor -%}
    {%- do texts.append(resources_json(fields)) -%}
    {%- for column, path, kind in record_fields() if kind == 'json' -%}
        {%- do texts.append(canonical_json(raw_field(fields, path))) -%}
    {%- endfor -%}
    substr({{ text_sha256(key_text(texts)) }}, 1, 32)
{%- endmacro %}
