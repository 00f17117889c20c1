{#- Whether an account is one of the two that a question is confined to, or it is confined to none:
    the parameters are `account` and `source_account`. -#}
{% macro is_of_account(account_id) -%}
    (
        (:account is null and :source_account is null)
        or {{ account_id }} = :account
        or {{ account_id }} = :source_account
    )
{%- endmacro %}
