{#- The SHA-256 of a text's UTF-8 bytes, as 64 lower-case hexadecimal digits. -#}
{% macro text_sha256(text) -%}
    {{ return(adapter.dispatch('text_sha256')(text)) }}
{%- endmacro %}

{% macro duckdb__text_sha256(text) -%}
    sha256({{ text }})
{%- endmacro %}

{% macro athena__text_sha256(text) -%}
    lower(to_hex(sha256(to_utf8({{ text }}))))
{%- endmacro %}
