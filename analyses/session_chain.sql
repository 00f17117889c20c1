-- Every session with the same root. A chain that was cut, as it is too long or
-- a loop, goes on at the session where it was cut: three cuts are followed.
with

role_sessions as (

    select * from {{ ref('role_sessions') }}

),

roots as (

    select
        role_sessions.session_id,
        role_sessions.root_session_id,
        beyond.root_session_id as root_beyond_id,
        far_beyond.root_session_id as root_far_beyond_id
    from role_sessions
    left join role_sessions as beyond
        on role_sessions.root_session_id = beyond.session_id
    left join role_sessions as far_beyond
        on beyond.root_session_id = far_beyond.session_id

),

all_roots as (

    select
        session_id,
        root_session_id
    from roots
    union all
    select
        session_id,
        root_beyond_id as root_session_id
    from roots
    union all
    select
        session_id,
        root_far_beyond_id as root_session_id
    from roots

),

related as (

    select distinct all_roots.session_id
    from all_roots
    inner join all_roots as roots_of_this
        on all_roots.root_session_id = roots_of_this.root_session_id
    where roots_of_this.session_id = :session_id

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
inner join related
    on role_sessions.session_id = related.session_id
order by role_sessions.started_at, role_sessions.session_id
