{#- Whether records have to be compared field by field: false if no staged record's digest differs from
    that of the stored event of its key, so that no wide column is read. -#}
{% macro may_conflict() -%}
    {%- set staged_records = store_relation('stg_cloudtrail__events') -%}
    {%- set events = store_relation('events') -%}
    {#- Only while the model is built both are sure to have digests. -#}
    {%- if not can_ask() or flags.WHICH not in ('run', 'build') or model.resource_type != 'model'
        or not staged_records or not events -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set unlike = run_query(
        'select 1 as is_there from ' ~ staged_records ~ ' as staged inner join ' ~ events
        ~ ' as known on staged.event_id = known.event_id'
        ~ ' and staged.recipient_account_id = known.recipient_account_id'
        ~ ' where staged.record_digest <> known.record_digest and not staged.is_rejected and '
        ~ is_in_this_load('staged.log_file') ~ ' and ' ~ within_copied_days('known.event_at')
        ~ ' limit 1'
    ).rows -%}
    {{ return('true' if unlike else 'false') }}
{%- endmacro %}
