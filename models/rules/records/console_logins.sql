with

identity_events as (
    select * from {{ ref('corrected_identity_events') }}
    where event_source = 'signin.amazonaws.com'
),

console_logins as (
    select
        event_id as sign_in_id,
        recipient_account_id as account_id,
        {{ mart_timestamp('event_at') }} as signed_in_at,
        'console' as sign_in_to,
        sign_in_outcome as outcome,
        error_message,
        identity_type,
        principal_id,
        identity_arn as user_arn,
        coalesce(user_name, {{ principal_name('identity_arn') }}) as user_name,
        cast(null as varchar) as on_behalf_of_user_id,
        cast(null as varchar) as identity_store_arn,
        {{ console_login_mfa() }} as mfa,
        mfa_identifier,
        cast(null as varchar) as credential_types,
        source_ip_address,
        user_agent,
        aws_region
    from identity_events
    where event_name = 'ConsoleLogin'
)

select * from console_logins
