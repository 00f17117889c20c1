{#- RULES 2, the session: whether an assumption may be that of a switch: nothing says that somebody else
    assumed the role. Two people of one name in one role and second have one principal id. If the switch
    came from a role, the console may assume the new role for the user who signed in. -#}
{% macro same_entrant(switch, assumption) -%}
    {%- set source_arn = switch ~ '.source_arn' -%}
    {%- set caller_arn = assumption ~ '.caller_arn' -%}
    coalesce(
        (
            {{ arn_resource(source_arn) }} like 'assumed-role/%'
            and (
                {{ assumption }}.caller_type in ('IAMUser', 'Root')
                or coalesce({{ assumption }}.caller_principal_id like 'AIDA%', false)
            )
        )
        or (
            {{ switch }}.source_account_id = {{ assumption }}.caller_account_id
            and coalesce(
                {{ principal_name(source_arn) }} = {{ principal_name(caller_arn) }}, true
            )
            and coalesce(
                {{ assumed_role_part(source_arn, 'role') }}
                = {{ assumed_role_part(caller_arn, 'role') }},
                true
            )
        ),
        true
    )
{%- endmacro %}
