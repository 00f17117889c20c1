{#- Whether the parameters of a history ask for a row of `role_entries`. An entry without a session
    leaves nobody in the role. -#}
{% macro is_asked_for_entry() -%}
    (:from_day is null or entered_at >= :from_day)
    and (:to_day is null or entered_at < :to_day)
    {#- Without `or` and `in`: DuckDB 2.0 fails to bind them over a view without rows. -#}
    and (
        :account is null
        or strpos(
            coalesce(role_account_id, '') || ',' || coalesce(source_account_id, ''), :account
        ) > 0
    )
    and (:source_account is null or source_account_id = :source_account)
    and (:user is null or {{ is_like_any('user', person_columns()) }})
    and (:role is null or {{ is_like_any('role', ['role_name', 'role_arn']) }})
    and (:how is null or strpos(:how, ',' || how || ',') > 0)
    and (:outcome is null or outcome = :outcome)
    and (:mfa is null or mfa = :mfa)
    {#- RULES 9: Roles Anywhere lets in outsiders: they are always listed. -#}
    and (
        coalesce(:workloads, false)
        or case when how = 'roles anywhere' then how else actor_type end <> 'workload'
    )
    and (
        :active_at is null
        or (
            session_id is not null
            and entered_at <= :active_at
            and {{ session_ends_at('entered_at') }} > :active_at
        )
    )
{%- endmacro %}
