{#- RULES 5, the true address: whether an address is one of IPv4 or IPv6, and not the name of a
    service or `AWS Internal`. -#}
{% macro is_ip_address(address) -%}
    coalesce(
        regexp_extract(
            {{ address }}, '^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$'
        ) <> '',
        false
    )
{%- endmacro %}
