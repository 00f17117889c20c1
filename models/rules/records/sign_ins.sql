with

console_logins as (select * from {{ ref('console_logins') }}),

identity_center_sign_ins as (
    select * from {{ ref('identity_center_sign_ins') }}
),

sign_ins as (
    {% for relation in ('console_logins', 'identity_center_sign_ins') -%}
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
        from {{ relation }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from sign_ins
