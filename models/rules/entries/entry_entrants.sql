-- RULES 2: who entered, by the entry's own record.
with

evidence as (select * from {{ ref('entry_evidence') }}),

entrants as (
    select
        entry_key,
        session_id,
        is_service_session,
        case
            when origin in ('switching user', 'switching root') then source_arn
            when origin in ('calling user', 'calling root') then caller_arn
            when
                origin = 'service'
                or (assumption_key is null and switch_key is null)
                then cast(null as varchar)
            when origin = 'role session' and caller_session_id = session_id
                then cast(null as varchar)
            -- Whoever runs an identity provider chooses its subjects.
            else
                origin || ' '
                || coalesce(
                    case
                        when origin = 'role session' then caller_session_id
                        when origin = 'identity center' then role_session_name
                        when origin = 'roles anywhere' then origin
                        when origin = 'saml'
                            then
                                coalesce(web_identity_provider, '') || ' '
                                || coalesce(saml_subject, role_session_name)
                        when origin = 'web identity'
                            then
                                coalesce(web_identity_provider, '') || ' '
                                || web_identity_subject
                    end,
                    entrant_principal_id,
                    caller_arn,
                    source_arn,
                    entry_key
                )
        end as entered_by
    from evidence
)

select * from entrants
