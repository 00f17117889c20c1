{#- RULES 10: whether a log file has a key, or a name in any folder, of the form that CloudTrail gives:
    `AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/REGION/`, `ACCOUNT_CloudTrail_REGION_TIME_...`. -#}
{% macro is_of_trail(log_file) -%}
    coalesce(
        regexp_extract(
            {{ log_file }},
            '^AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/CloudTrail/[^/]+/|(?:^|/)\d{12}_CloudTrail_[^_/]+_\d{8}T'
        ) <> '',
        false
    )
{%- endmacro %}
