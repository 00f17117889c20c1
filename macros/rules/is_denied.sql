{#- RULES 8, counts: whether a call was denied, by its error code. -#}
{% macro is_denied(error_code) -%}
    coalesce(
        {{ error_code }} in (
            'AccessDenied',
            'AccessDeniedException',
            'UnauthorizedOperation',
            'Client.UnauthorizedOperation',
            'VpceAccessDenied'
        ),
        false
    )
{%- endmacro %}
