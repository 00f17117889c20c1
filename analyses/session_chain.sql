-- Every session that leads back to the same root.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}

),

this_session as (

    select root_session_id from role_sessions
    where session_id = :session_id

)

select
    role_sessions.session_id,
    role_sessions.parent_session_id,
    role_sessions.started_at,
    role_sessions.start_method,
    role_sessions.role_account_id,
    role_sessions.role_name,
    role_sessions.role_session_name,
    role_sessions.chain_depth,
    role_sessions.action_count
from role_sessions
inner join this_session
    on role_sessions.root_session_id = this_session.root_session_id
order by role_sessions.started_at, role_sessions.session_id
