{#- RULES 10: whether a raw row is a record above the limit of `max_record_bytes`, or names more resources
    than `max_resources`: such a record is rejected. `fields` comes from `raw_fields`. -#}
{% macro is_too_large(fields) -%}
    {{ return(adapter.dispatch('is_too_large')(fields)) }}
{%- endmacro %}

{#- The reader knows, and gives no other field of such a record. -#}
{% macro duckdb__is_too_large(fields) -%}
    is_too_large
{%- endmacro %}

{#- Athena does not show the record as a whole: the lengths of fields that can be large are added up. -#}
{% macro athena__is_too_large(fields) -%}
    {%- set lengths = [] -%}
    {%- for path in [
        'requestparameters', 'responseelements', 'additionaleventdata', 'serviceeventdetails',
        'edgedevicedetails', 'useragent', 'errormessage', 'eventid', 'useridentity.principalid',
        'useridentity.arn', 'useridentity.username',
    ] -%}
        {%- if fields is none or path in fields -%}
            {%- do lengths.append('coalesce(length(' ~ raw_field(fields, path) ~ '), 0)') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set has_resources = fields is none or 'resources.arn' in fields
        or 'resources.accountid' in fields or 'resources.type' in fields -%}
    (
        {{ lengths | join(' + ') or '0' }} > {{ var('max_record_bytes') }}
        {%- if has_resources %}
        or coalesce(cardinality(resources), 0) > {{ var('max_resources') }}
        {%- endif %}
    )
{%- endmacro %}
