{#- RULES 8, counts: whether an event writes: by `readOnly`. Records of before 2021 lack that field: there
    every event writes, unless its name begins with a verb of reading. -#}
{% macro is_write(is_read_only, event_name) -%}
    {%- set verbs = [
        'Get', 'List', 'Describe', 'Head', 'Lookup', 'BatchGet', 'Search', 'Query', 'Scan',
        'Select', 'Check', 'Simulate', 'Validate', 'Preview', 'Estimate', 'Test', 'View',
        'Download', 'Verify', 'Decode', 'Assume'
    ] -%}
    coalesce(
        not {{ is_read_only }},
        coalesce(
            regexp_extract({{ event_name }}, '^(?:{{ verbs | join("|") }})(?:[A-Z]|$)') = '',
            true
        )
        {#- TestInvoke... runs the API or authorizer that it tests. -#}
        or coalesce({{ event_name }} like 'TestInvoke%', false)
    )
{%- endmacro %}
