{#- Whether a question asks for an account: by its parameter `account` or `source_account`, or by neither
    of them, for all accounts. -#}
{% macro is_of_account(account_id) -%}
    (
        (:account is null and :source_account is null)
        or {{ account_id }} = :account
        or {{ account_id }} = :source_account
    )
{%- endmacro %}
