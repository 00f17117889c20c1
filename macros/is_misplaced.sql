{#- Whether a record of `account` and `region` lies in a log file whose key names others. Null, which
    is no contradiction, where either says nothing. The regions of global services are no other
    ones: their events were delivered with those of each region, and what IAM, STS and CloudFront
    log lies with either (AWS CloudTrail User Guide, "Global service events"). -#}
{% macro is_misplaced(account, region, source, file_account, file_region) -%}
    {%- set global = "('us-east-1', 'us-gov-west-1', 'cn-north-1')" -%}
    (
        {{ account }} <> {{ file_account }}
        or (
            {{ region }} <> {{ file_region }}
            and {{ region }} not in {{ global }}
            and not (
                {{ file_region }} in {{ global }}
                and coalesce({{ source }}, '') in (
                    'iam.amazonaws.com', 'sts.amazonaws.com', 'cloudfront.amazonaws.com'
                )
            )
        )
    )
{%- endmacro %}
