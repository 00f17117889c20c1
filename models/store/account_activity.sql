-- Each user has a row. Everybody else of an account is in one more row, as role
-- sessions are counted elsewhere.
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

-- No part of the key is null: '' stands for what is not logged.
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
        -- No file has events of a time after its delivery: such a time is
        -- damaged or forged, and does not make the account's logs newer.
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
