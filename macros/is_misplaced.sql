{#- Whether a record of `account` and `region` lies in a log file whose key names others. Null, which
    is no contradiction, where either says nothing. The regions of global services are everywhere:
    their events were delivered with those of each region (AWS CloudTrail User Guide, "Global
    service events"). -#}
{% macro is_misplaced(account, region, file_account, file_region) -%}
    (
        {{ account }} <> {{ file_account }}
        or (
            {{ region }} <> {{ file_region }}
            and {{ region }} not in ('us-east-1', 'us-gov-west-1', 'cn-north-1')
        )
    )
{%- endmacro %}
