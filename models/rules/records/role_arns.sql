with

assumptions as (
    select * from {{ ref('assumptions') }}
    where outcome = 'success' and start_method <> 'assume root'
),

activity as (
    select * from {{ ref('session_activity') }}
    where not is_assumed_root
),

switch_halves as (
    select * from {{ ref('switch_halves') }}
    where outcome <> 'failure'
),

recorded_arns as (
    select
        split_part(principal_id, ':', 1) as role_id,
        role_arn
    from assumptions
    union all
    select
        split_part(principal_id, ':', 1) as role_id,
        role_arn
    from activity
    union all
    select
        cast(null as varchar) as role_id,
        role_arn_with_path as role_arn
    from switch_halves
),

by_role_id as (
    select
        role_id as role_key,
        max(role_arn) as role_arn
    from recorded_arns
    where role_id is not null and role_arn is not null
    group by 1
),

-- Where roles of one name had several paths, the name tells no path.
by_name as (
    select
        {{ arn_account('role_arn') }} || '/' || {{ arn_name('role_arn') }}
            as role_key,
        max(role_arn) as role_arn
    from recorded_arns
    where role_arn is not null
    group by 1
    having count(distinct role_arn) = 1
),

arns as (
    select * from by_role_id
    union all
    select * from by_name
    where role_key is not null
)

select * from arns
