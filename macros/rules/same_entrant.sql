{#- RULES 2, the session: whether nothing says that a role was assumed by somebody else than who
    switched: people of one name in one role and second have one principal id. The console may
    assume a role for the user who was there first, where the switch came from a role. -#}
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
