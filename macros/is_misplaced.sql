{#- Whether a record of `account` and `region` lies in a log file whose key names others. Null, which
    is no contradiction, where either says nothing. The regions of global services are no other
    ones: what they log is delivered with other regions too, and the other way round (AWS CloudTrail
    User Guide, "Global service events"). -#}
{% macro is_misplaced(account, region, file_account, file_region) -%}
    {%- set global = "('us-east-1', 'us-gov-west-1', 'cn-north-1')" -%}
    (
        {{ account }} <> {{ file_account }}
        or (
            {{ region }} <> {{ file_region }}
            and {{ region }} not in {{ global }}
            and {{ file_region }} not in {{ global }}
        )
    )
{%- endmacro %}
