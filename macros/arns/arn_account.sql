{#- The account of an ARN of any partition, null where it names none. -#}
{% macro arn_account(arn) -%}
    {{ account_id("split_part(" ~ arn ~ ", ':', 5)") }}
{%- endmacro %}
