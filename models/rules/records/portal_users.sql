-- Identity Center's records name a user by id, by name, or by both.
with

sign_ins as (
    select
        on_behalf_of_user_id,
        user_name,
        identity_store_arn
    from {{ ref('sign_ins') }}
    where sign_in_to = 'identity center' and outcome = 'success'
),

portal_events as (
    select
        on_behalf_of_user_id,
        user_name,
        identity_store_arn
    from {{ ref('corrected_identity_events') }}
    where event_source = 'sso.amazonaws.com'
),

-- The session of a permission set's role is named after its user.
sessions as (
    select
        on_behalf_of_user_id,
        {{ principal_session_name('principal_id') }} as user_name,
        cast(null as varchar) as identity_store_arn
    from {{ ref('session_activity') }}
    where {{ is_identity_center_role(
        assumed_role_part('identity_arn', 'role'), 'role_arn'
    ) }}
),

named as (
    select * from sign_ins
    union all
    select * from portal_events
    union all
    select * from sessions
),

users as (
    select distinct
        on_behalf_of_user_id as user_id,
        lower(user_name) as user_name,
        identity_store_arn
    from named
    where on_behalf_of_user_id is not null and user_name is not null
),

numbered as (
    select
        *,
        dense_rank() over (partition by user_name order by user_id)
            as user_number
    from users
),

-- Few users share a name. Logs in which thousands share one are forged, and
-- each entry of that name would be compared with all of them.
namesakes as (
    select
        user_id,
        user_name,
        identity_store_arn
    from numbered
    where user_number <= 50
)

select * from namesakes
