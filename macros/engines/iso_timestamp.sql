{#- The UTC timestamp of an ISO 8601 text with a zone, to the millisecond. Null for any other text, for a
    year that no log can be of, and for a zone that no place has. The pattern makes both engines take
    the same texts. -#}
{% macro iso_timestamp(text) -%}
    {{ return(adapter.dispatch('iso_timestamp')(text)) }}
{%- endmacro %}

{% macro iso_timestamp_pattern() -%}
    '^(?:19|2\d)\d{2}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|\+(?:0\d|1[0-3]):[0-5]\d|\+14:00|-(?:0\d|1[01]):[0-5]\d|-12:00)$'
{%- endmacro %}

{% macro duckdb__iso_timestamp(text) -%}
    case
        when regexp_matches({{ text }}, {{ iso_timestamp_pattern() }})
            then date_trunc('milliseconds', try_cast({{ text }} as timestamptz) at time zone 'UTC')
    end
{%- endmacro %}

{% macro athena__iso_timestamp(text) -%}
    case
        when regexp_like({{ text }}, {{ iso_timestamp_pattern() }})
            then cast(
                try(from_iso8601_timestamp({{ text }})) at time zone 'UTC' as timestamp(3)
            )
    end
{%- endmacro %}
