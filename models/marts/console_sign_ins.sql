with

sign_ins as (select * from {{ ref('sign_ins') }}),

published as (
    select
        sign_in_id,
        account_id,
        signed_in_at,
        sign_in_to,
        outcome,
        error_message,
        identity_type,
        principal_id,
        user_arn,
        user_name,
        on_behalf_of_user_id,
        identity_store_arn,
        mfa,
        mfa_identifier,
        credential_types,
        source_ip_address,
        user_agent,
        aws_region
    from sign_ins
)

select * from published
