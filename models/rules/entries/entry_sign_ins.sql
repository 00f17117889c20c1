with

entries as (select * from {{ ref('entries') }}),

sign_ins as (
    select
        *,
        sign_in_id || '/' || account_id as sign_in_key
    from {{ ref('sign_ins') }}
    where sign_in_to = 'console' and outcome = 'success'
),

-- If the records of a switch are missing, the AssumeRole tells time and user.
entered_by_console as (
    select
        entry_key,
        coalesce(
            source_arn,
            case
                when assumption_method = 'console switch'
                    then logged_caller_arn
            end
        ) as source_arn,
        coalesce(
            source_principal_id,
            case
                when assumption_method = 'console switch'
                    then caller_principal_id
            end
        ) as source_principal_id,
        coalesce(switched_at, assumed_at) as entered_at
    from entries
    where switch_key is not null or assumption_method = 'console switch'
),

-- A record of a sign-in names its user by the ARN, else by the principal id.
entries_by_user as (
    select
        entry_key as row_key,
        entered_at as happened_at,
        'ARN' as named_by,
        source_arn as user_name
    from entered_by_console
    union all
    select
        entry_key as row_key,
        entered_at as happened_at,
        'principal id' as named_by,
        source_principal_id as user_name
    from entered_by_console
),

sign_ins_by_user as (
    select
        sign_in_key as row_key,
        signed_in_at as happened_at,
        case when user_arn is null then 'principal id' else 'ARN' end
            as named_by,
        coalesce(user_arn, principal_id) as user_name
    from sign_ins
),

{{ near_in_time(
    'near', 'entries_by_user', 'sign_ins_by_user',
    keys=['named_by', 'user_name']
) }},

-- A user who is deleted and made again has the same ARN and a new principal id.
candidates as (
    select
        entered_by_console.entry_key,
        sign_ins.sign_in_id,
        sign_ins.signed_in_at,
        sign_ins.mfa,
        sign_ins.mfa_identifier,
        sign_ins.source_ip_address
    from near
    inner join entered_by_console
        on near.seeker = entered_by_console.entry_key
    inner join sign_ins
        on near.sought = sign_ins.sign_in_key
    where
        near.sought_at between near.seeker_at
        - interval '{{ var("console_sign_in_hours") }}' hour
        and near.seeker_at
        and coalesce(
            entered_by_console.source_principal_id = sign_ins.principal_id, true
        )
),

ranked as (
    select
        *,
        row_number() over (
            partition by entry_key
            order by signed_in_at desc, sign_in_id asc
        ) as sign_ins_ago
    from candidates
),

newest_sign_ins as (
    select
        entry_key,
        sign_in_id,
        signed_in_at,
        mfa,
        mfa_identifier,
        case
            when {{ is_ip_address('source_ip_address') }} then source_ip_address
        end as source_ip_address
    from ranked
    where sign_ins_ago = 1
)

select * from newest_sign_ins
