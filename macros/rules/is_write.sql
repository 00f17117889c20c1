{#- RULES 8, counts: whether an event writes, as it says itself; where it does not (records of before
    2021), by its name: all do but those that begin with a verb of reading. -#}
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
        {#- It runs what it tests. -#}
        or coalesce({{ event_name }} like 'TestInvoke%', false)
    )
{%- endmacro %}
