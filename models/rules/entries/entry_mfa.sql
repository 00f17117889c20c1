-- RULES 3: MFA by the entry's own records. Missing evidence never means no.
with

evidence as (select * from {{ ref('entry_evidence') }}),

contests as (select * from {{ ref('entry_contests') }}),

console_sign_ins as (
    select * from {{ ref('entry_sign_ins') }}
    where mfa in ('yes', 'no')
),

portal_sign_ins as (
    select * from {{ ref('entry_portal_sign_ins') }}
    where mfa in ('yes', 'no')
),

with_sign_ins as (
    select
        evidence.entry_key,
        evidence.origin,
        evidence.portal_user_name,
        evidence.assumption_mfa,
        contests.own_activity_mfa,
        console_sign_ins.mfa as sign_in_mfa,
        portal_sign_ins.mfa as portal_mfa
    from evidence
    left join contests
        on evidence.entry_key = contests.entry_key
    left join console_sign_ins
        on evidence.entry_key = console_sign_ins.entry_key
    left join portal_sign_ins
        on evidence.entry_key = portal_sign_ins.entry_key
),

with_mfa as (
    select
        entry_key,
        case
            when portal_user_name is not null
                then coalesce(portal_mfa, 'not asserted')
            when origin in ('saml', 'web identity', 'federated user')
                then 'not asserted'
            when origin in ('service', 'roles anywhere', 'role session')
                then 'unknown'
            -- A no counts for users only.
            when origin = 'observed'
                then
                    case
                        when 'yes' in (assumption_mfa, own_activity_mfa)
                            then 'yes'
                        else 'unknown'
                    end
            else
                coalesce(
                    assumption_mfa, own_activity_mfa, sign_in_mfa, 'unknown'
                )
        end as mfa,
        case
            when portal_user_name is not null then 'identity center sign-in'
            when
                assumption_mfa = 'yes'
                or (assumption_mfa is not null and origin <> 'observed')
                then 'assume role'
            when own_activity_mfa is not null then 'session activity'
            when sign_in_mfa is not null then 'console sign-in'
        end as best_mfa_evidence
    from with_sign_ins
),

with_evidence as (
    select
        entry_key,
        mfa,
        case when mfa in ('yes', 'no') then best_mfa_evidence end
            as mfa_evidence
    from with_mfa
)

select * from with_evidence
