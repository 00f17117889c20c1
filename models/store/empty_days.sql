with

found as (

    {{ empty_days_found() }}

),

{% if is_incremental() %}

    earlier as (

        select
            *,
            row_number() over (
                partition by log_root, account_id, aws_region, delivered_date
                order by loaded_at desc, load_id desc
            ) as times_ago
        from {{ this }}

    ),

    newest as (

        select * from earlier
        where times_ago = 1

    ),

{% endif %}

-- What was so before is no news, nor that a day has none if it never had any.
news as (

    select found.*
    from found
    {% if is_incremental() %}
        left join newest
            on
                found.log_root = newest.log_root
                and found.account_id = newest.account_id
                and found.aws_region = newest.aws_region
                and found.delivered_date = newest.delivered_date
        where found.is_empty <> coalesce(newest.is_empty, false)
    {% else %}
        where found.is_empty
    {% endif %}

),

stamped as (

    select
        log_root,
        account_id,
        aws_region,
        delivered_date,
        is_empty,
        {{ load_id() }} as load_id,
        {{ store_timestamp(loaded_at()) }} as loaded_at
    from news

)

select * from stamped
