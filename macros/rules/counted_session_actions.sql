{#- The query that counts the actions of sessions in a CTE with the columns of events. It makes the rows
    of session_actions, and of their revisions in session_action_revisions. No part of the key is null:
    '' stands for what is not logged. -#}
{% macro counted_session_actions(actions) -%}
    select
        ---------- key
        load_id,
        {{ session_principal_id() }} as principal_id,
        session_created_at,
        {{ session_access_key() }} as access_key_id,
        coalesce(event_source, '') as event_source,
        coalesce(event_name, '') as event_name,
        coalesce(aws_region, '') as aws_region,
        coalesce(source_ip_address, '') as source_ip_address,

        ---------- the actions
        count(*) as action_count,
        count(case when {{ is_write('is_read_only', 'event_name') }} then 1 end)
            as write_count,
        count(case when {{ is_denied('error_code') }} then 1 end)
            as denied_count,
        min(event_at) as first_action_at,
        max(event_at) as last_action_at,

        ---------- what they tell of the session
        max(identity_arn) as identity_arn,
        max(session_issuer_arn) as role_arn,
        bool_or(is_session_mfa_authenticated) as is_mfa_authenticated,
        max(source_identity) as source_identity,
        max(ec2_role_delivery) as ec2_role_delivery,
        max(on_behalf_of_user_id) as on_behalf_of_user_id,
        max(in_scope_of_source_arn) as in_scope_of_source_arn,
        max(in_scope_of_source_account_id) as in_scope_of_source_account_id,
        max(in_scope_of_issuer_type) as in_scope_of_issuer_type,
        max(in_scope_of_credentials_issued_to)
            as in_scope_of_credentials_issued_to,
        max(sign_in_session_arn) as sign_in_session_arn,
        max(invoked_by_delegate_account_id) as invoked_by_delegate_account_id,
        {{ bounded_text_list('access_key_id', 50) }} as access_key_ids,
        min(access_key_id) as first_access_key_id,
        max(access_key_id) as last_access_key_id,

        ---------- when it was loaded
        max(loaded_at) as loaded_at

    from {{ actions }}
    group by 1, 2, 3, 4, 5, 6, 7, 8
{%- endmacro %}
