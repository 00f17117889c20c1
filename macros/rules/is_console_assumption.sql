{#- RULES 2, the session: whether a role was assumed by the console on behalf of a person. Records
    before 2020 name the sign-in service where later ones say `AWS Internal`. -#}
{% macro is_console_assumption(invoked_by) -%}
    coalesce({{ invoked_by }} in ('AWS Internal', 'signin.amazonaws.com'), false)
{%- endmacro %}
