{% set in_order -%}
    partition by workflow_id, recipient_account_id
    order by event_at, event_id
{%- endset %}
{% set of_workflow -%}
    partition by workflow_id, recipient_account_id, workflow_number
{%- endset %}
-- The step that ends a sign-in is its authentication where there is one:
-- whoever only begins one chooses nothing of it.
{% set last_step -%}
    case when is_step then row(is_authentication, event_at, event_id) end
{%- endset %}
with

identity_events as (
    select * from {{ ref('corrected_identity_events') }}
    where event_source = 'signin.amazonaws.com'
),

-- The steps of one sign-in to Identity Center share the id of its workflow, and
-- the last step lists every verified factor. A challenge is not a step: it only
-- tells the user.
identity_center_steps as (
    select
        *,
        coalesce(auth_workflow_id, event_id) as workflow_id,
        coalesce(sign_in_user_name, user_name) as logged_user_name,
        event_name <> 'CredentialChallenge' as is_step,
        event_name = 'UserAuthentication' as is_authentication
    from identity_events
    where
        event_name in (
            'CredentialChallenge',
            'CredentialVerification',
            'UserAuthentication'
        )
),

steps_in_order as (
    select
        *,
        lag(event_at) over ({{ in_order }}) as previous_event_at
    from identity_center_steps
),

-- Steps that lie far apart are of two workflows, though they share an id. So
-- are steps that two accounts logged.
numbered_workflows as (
    select
        *,
        sum(
            case
                when
                    event_at >= previous_event_at
                    + interval '{{ var("sign_in_steps_hours") }}' hour
                    then 1
                else 0
            end
        ) over (
            {{ in_order }}
            rows between unbounded preceding and current row
        ) as workflow_number
    from steps_in_order
),

-- Each authentication is a sign-in of its own, with the steps before it. The
-- last one also has the steps after it.
numbered_sign_ins as (
    select
        *,
        least(
            count(case when is_authentication then 1 end) over (
                {{ of_workflow }}
                order by event_at, is_authentication, event_id
                rows between unbounded preceding and 1 preceding
            ),
            count(case when is_authentication then 1 end)
                over ({{ of_workflow }})
            - 1
        ) as sign_in_number
    from numbered_workflows
),

-- A name that was refused, or belongs to another user's id, names nobody.
with_user as (
    select
        *,
        case
            when
                is_step
                or sign_in_outcome <> 'failure'
                and coalesce(
                    on_behalf_of_user_id
                    = max(
                        case
                            when is_authentication then on_behalf_of_user_id
                        end
                    ) over ({{ of_workflow }}, sign_in_number),
                    true
                )
                then logged_user_name
        end as credible_user_name
    from numbered_sign_ins
),

identity_center_workflows as (
    select
        coalesce(
            max(case when is_authentication then event_id end),
            max(case when is_step then event_id end)
        ) as sign_in_id,
        recipient_account_id as account_id,
        {{ mart_timestamp(
            'coalesce(max(case when is_authentication then event_at end), '
            ~ 'max(case when is_step then event_at end))'
        ) }} as signed_in_at,
        'identity center' as sign_in_to,
        -- A refused password ends the workflow without an authentication. A
        -- verified factor alone only says that somebody tried.
        coalesce(
            max(case when is_authentication then sign_in_outcome end),
            max(case when sign_in_outcome = 'failure' then 'failure' end),
            'unknown'
        ) as outcome,
        max(error_message) as error_message,
        max(identity_type) as identity_type,
        max(principal_id) as principal_id,
        max(identity_arn) as user_arn,
        -- The name of the authentication goes before names of earlier steps.
        coalesce(
            max(case when is_authentication then logged_user_name end),
            case
                when count(distinct lower(credible_user_name)) = 1
                    then max(credible_user_name)
            end
        ) as user_name,
        coalesce(
            max(case when is_authentication then on_behalf_of_user_id end),
            max(on_behalf_of_user_id)
        ) as on_behalf_of_user_id,
        max(identity_store_arn) as identity_store_arn,
        {{ identity_center_mfa(
            'max(case when is_authentication then upper(credential_type) end)'
        ) }} as mfa,
        cast(null as varchar) as mfa_identifier,
        {{ text_list('case when is_step then credential_type end') }}
            as credential_types,
        max_by(source_ip_address, {{ last_step }}) as source_ip_address,
        max_by(user_agent, {{ last_step }}) as user_agent,
        max_by(aws_region, {{ last_step }}) as aws_region
    from with_user
    group by
        workflow_id, recipient_account_id, workflow_number, sign_in_number
    having max(case when is_step then 1 end) = 1
)

select * from identity_center_workflows
