with

role_entries as (

    select * from {{ ref('role_entries') }}

),

asked_for as (

    select * from role_entries
    where
        {{ is_asked_for_entry() }}

)

select
    how,
    actor_type,
    outcome,
    count(*) as entry_count
from asked_for
group by how, actor_type, outcome
order by how, actor_type, outcome
