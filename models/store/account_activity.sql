-- Users are told apart by their ids; all others of an account are one row more,
-- as their sessions are counted elsewhere.
with

events as (
    select * from {{ ref('events') }}
    where {{ unprocessed_loads() }}
),

with_user as (
    select
        *,
        coalesce(identity_type in ('IAMUser', 'Root'), false) as is_user
    from events
),

-- No part of the key is null: '' stands for what is not logged in it.
counted as (
    select
        ---------- key
        load_id,
        recipient_account_id,
        case when is_user then identity_type else '' end as user_type,
        coalesce(case when is_user then principal_id end, '')
            as user_principal_id,
        coalesce(case when is_user then identity_arn end, '') as user_arn,

        ---------- the actions
        count(*) as event_count,
        count(
            case
                when event_category = 'Data' or not is_management_event then 1
            end
        ) as data_event_count,
        min(event_at) as first_event_at,
        -- No file has what happened after its delivery: a time beyond it is
        -- damaged or forged, and is no news of the account.
        max(
            case
                when
                    event_at
                    >= cast(delivered_date as timestamp) + interval '2' day
                    then cast(delivered_date as timestamp) + interval '1' day
                else event_at
            end
        ) as last_event_at,

        ---------- when it was loaded
        max(loaded_at) as loaded_at

    from with_user
    group by 1, 2, 3, 4, 5
)

select * from counted
