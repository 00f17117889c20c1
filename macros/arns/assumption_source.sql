{#- Who asked for an assumption, as its record says: account, ARN and name, as columns. -#}
{% macro assumption_source(assumptions) -%}
    coalesce(
        {{ arn_account(assumptions ~ '.caller_arn') }},
        {{ assumptions }}.caller_account_id
    ) as source_account_id,
    {{ assumptions }}.caller_arn as source_arn,
    coalesce(
        {{ principal_name(assumptions ~ '.caller_arn') }},
        {{ assumptions }}.caller_user_name
    ) as source_name
{%- endmacro %}
