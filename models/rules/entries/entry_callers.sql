with

entries as (select * from {{ ref('entries') }}),

role_arns as (select * from {{ ref('role_arns') }}),

-- Only AWS makes roles below Identity Center's path: of several roles of one
-- name the permission set's goes first.
arns_by_name as (
    select
        {{ arn_account('role_arn') }} || '/' || {{ arn_name('role_arn') }}
            as role_key,
        coalesce(
            max(
                case
                    when
                        {{ is_identity_center_role(
                            arn_name('role_arn'), 'role_arn'
                        ) }}
                        then role_arn
                end
            ),
            max(role_arn)
        ) as role_arn
    from role_arns
    where role_arn is not null
    group by 1
),

-- Users who are renamed or moved keep their id.
known_users as (
    select
        user_principal_id as principal_id,
        max_by(user_arn, last_event_at) as user_arn
    from {{ ref('account_activity') }}
    where
        user_type = 'IAMUser'
        and user_principal_id <> ''
        and user_arn <> ''
    group by 1
),

with_role_arn as (
    select
        entries.*,
        coalesce(
            entries.assumption_role_arn,
            entries.activity_role_arn,
            arns_by_id.role_arn
        ) as logged_role_arn
    from entries
    left join role_arns as arns_by_id
        on split_part(entries.principal_id, ':', 1) = arns_by_id.role_key
),

-- Other records tell the ids and ARNs that the entry's own record lacks.
callers as (
    select
        entries.entry_key,
        {{ is_identity_center_role(
            'entries.role_name', 'entries.logged_role_arn'
        ) }} as is_of_permission_set,
        coalesce(entries.logged_caller_arn, known_users.user_arn) as caller_arn,
        {{ principal_kind(
            'entries.logged_caller_arn', 'caller_arns.role_arn'
        ) }} as caller_kind,
        -- The user who asks for a federation token chooses the name in it.
        case
            when
                entries.caller_type = 'FederatedUser'
                and {{ principal_kind('entries.caller_issuer_arn') }}
                in ('iam user', 'root')
                then entries.caller_issuer_arn
        end as federating_user_arn,
        coalesce(entries.caller_principal_id, entries.source_principal_id)
            as entrant_principal_id,
        {{ principal_kind('entries.source_arn', 'source_arns.role_arn') }}
            as source_kind,
        {{ principal_name('entries.source_arn') }} as source_name,
        -- A transient subject is new at each sign-in and names nobody.
        case
            when
                coalesce(
                    lower(entries.saml_subject_type) not like '%transient', true
                )
                then
                    coalesce(
                        entries.logged_saml_subject, entries.caller_user_name
                    )
        end as saml_subject,
        coalesce(
            entries.logged_web_identity_subject, entries.caller_user_name
        ) as web_identity_subject,
        coalesce(
            entries.logged_web_identity_provider, entries.identity_provider
        ) as web_identity_provider
    from with_role_arn as entries
    left join known_users
        on entries.caller_principal_id = known_users.principal_id
    left join arns_by_name as source_arns
        on {{ role_key('entries.source_arn') }} = source_arns.role_key
    left join arns_by_name as caller_arns
        on {{ role_key('entries.logged_caller_arn') }} = caller_arns.role_key
)

select * from callers
