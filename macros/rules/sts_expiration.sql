{#- The UTC timestamp of `credentials.expiration` in an STS response: ISO 8601, or the form of
    Java's default locale with one or two commas (`Jul 1, 2026, 12:08:19 PM`), in which newer
    Javas put a narrow no-break space before the AM or PM. -#}
{% macro sts_expiration(text) -%}
    {{ return(adapter.dispatch('sts_expiration')(text)) }}
{%- endmacro %}

{% macro duckdb__sts_expiration(text) -%}
    coalesce(
        {{ iso_timestamp(text) }},
        try_strptime(
            regexp_replace({{ text }}, '[^0-9A-Za-z:]+', ' ', 'g'), '%b %d %Y %I:%M:%S %p'
        )
    )
{%- endmacro %}

{% macro athena__sts_expiration(text) -%}
    coalesce(
        {{ iso_timestamp(text) }},
        cast(
            try(date_parse(
                regexp_replace({{ text }}, '[^0-9A-Za-z:]+', ' '), '%b %e %Y %l:%i:%s %p'
            )) as timestamp(3)
        )
    )
{%- endmacro %}
