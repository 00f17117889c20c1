-- A name that some entry has is not a mistake, whatever else was asked together
-- with it: nothing is proposed in its place.
with

role_entries as (

    select * from {{ ref('role_entries') }}

),

log_coverage as (

    select * from {{ ref('log_coverage') }}

),

account_activity as (

    select * from {{ ref('account_activity') }}

),

people as (

    select
        'user' as kind,
        coalesce(actor_name, source_name, role_session_name) as known_name,
        count(*) as entry_count,
        max(
            case
                when {{ is_like_any('user', person_columns()) }} then 1
                else 0
            end
        ) as is_given
    from role_entries
    where :user is not null
    group by 1, 2

),

roles as (

    select
        'role' as kind,
        role_name as known_name,
        count(*) as entry_count,
        max(
            case
                when {{ is_like_any('role', ['role_name', 'role_arn']) }}
                    then 1
                else 0
            end
        ) as is_given
    from role_entries
    where :role is not null
    group by 1, 2

),

source_accounts as (

    select
        'source_account' as kind,
        source_account_id as known_name,
        count(*) as entry_count,
        max(case when source_account_id = :source_account then 1 else 0 end)
            as is_given
    from role_entries
    where :source_account is not null
    group by 1, 2

),

-- Accounts without an entry have logs, too.
accounts_of_entries as (

    select
        role_account_id as account_id,
        1 as entry_count
    from role_entries
    union all
    select
        source_account_id as account_id,
        1 as entry_count
    from role_entries
    where source_account_id <> role_account_id
    union all
    select
        account_id,
        0 as entry_count
    from log_coverage
    union all
    select
        {{ account_id('recipient_account_id') }} as account_id,
        0 as entry_count
    from account_activity

),

accounts as (

    select
        'account' as kind,
        account_id as known_name,
        cast(sum(entry_count) as bigint) as entry_count,
        max(case when account_id = :account then 1 else 0 end) as is_given
    from accounts_of_entries
    where :account is not null
    group by 1, 2

),

names as (

    select * from people
    union all
    select * from roles
    union all
    select * from source_accounts
    union all
    select * from accounts

),

{{ most_frequent_names('names') }}

select * from most_frequent_names
order by 1 asc, 3 desc, 2 asc
