{#- RULES 11: whether a record of `account` and `region` lies in a log file whose key names others. Null,
    which is not a contradiction, if either is not known. Global services log in one region, and until
    November 2021 trails of other regions got their records too (AWS CloudTrail User Guide, "Global
    service events", and AWS's notice of that change, which names sign-ins). Records of IAM, STS and
    CloudFront from other regions may lie in that region's files as well. -#}
{% macro is_misplaced(account, region, source, file_account, file_region) -%}
    {%- set global_regions = "('us-east-1', 'us-gov-west-1', 'cn-north-1')" -%}
    {%- set in_either = ['iam', 'sts', 'cloudfront'] -%}
    {%- set in_any = in_either + ['signin', 'route53'] -%}
    (
        {{ account }} <> {{ file_account }}
        or (
            {{ region }} <> {{ file_region }}
            and not (
                {{ region }} in {{ global_regions }}
                and {{ is_of_services(source, in_any) }}
            )
            and not (
                {{ file_region }} in {{ global_regions }}
                and {{ is_of_services(source, in_either) }}
            )
        )
    )
{%- endmacro %}

{% macro is_of_services(source, services) -%}
    coalesce({{ source }}, '') in (
        {%- for service in services -%}
            '{{ service }}.amazonaws.com'
            {%- if not loop.last %}, {% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}
