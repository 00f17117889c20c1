{#- The name at the end of an IAM ARN, without its path: `role/team/Admin` gives `Admin`. -#}
{% macro arn_name(arn) -%}
    nullif(regexp_extract({{ arn }}, '[^/]+$'), '')
{%- endmacro %}
