{#- Limits the search for the originals of corrections that have none yet to these stored events. -#}
{% macro may_be_corrected() -%}
    {{ return(adapter.dispatch('may_be_corrected')()) }}
{%- endmacro %}

{#- All of them: the few corrections are looked up in one scan of keys. -#}
{% macro duckdb__may_be_corrected() -%}
    true
{%- endmacro %}

{#- Not the keys of years: the loads of the last two days, as an original may come later than its
    correction; and the days of the corrections, as a correction has the time of its original. Only for
    a correction of this load that has no original on its day, all events. -#}
{% macro athena__may_be_corrected() -%}
    {%- if not can_ask() or flags.WHICH not in ('run', 'build') or model.resource_type != 'model'
        or not is_incremental() -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set pending -%}
        from {{ ref('events') }} as corrections
        left join {{ this }} as known
            on
                corrections.event_id = known.event_id
                and corrections.recipient_account_id = known.recipient_account_id
        where
            corrections.original_event_id is not null
            and corrections.original_event_id <> corrections.event_id
            and known.event_id is null
    {%- endset -%}
    {%- set newest = run_query(
        'select cast(max(loaded_at) as varchar) as loaded_at from ' ~ ref('events')
        ~ ' where (select count(*) ' ~ pending ~ ') > 0'
    ).rows[0][0] -%}
    {%- if not newest -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set recent = modules.datetime.datetime.fromisoformat(newest)
        - modules.datetime.timedelta(days=2) -%}
    {%- set conditions = ["loaded_at >= timestamp '" ~ recent ~ "'"] -%}
    {%- for row in run_query(
        'select distinct cast(cast(corrections.event_at as date) as varchar) as event_date '
        ~ pending ~ " and corrections.loaded_at >= timestamp '" ~ recent ~ "' order by 1"
    ).rows -%}
        {%- set day = modules.datetime.date.fromisoformat(row[0] | string) -%}
        {%- do conditions.append(
            "event_at >= timestamp '" ~ day ~ " 00:00:00' and event_at < timestamp '"
            ~ (day + modules.datetime.timedelta(days=1)) ~ " 00:00:00'"
        ) -%}
    {%- endfor -%}
    {%- set is_near = '(' ~ (conditions | join(' or ')) ~ ')' -%}
    {%- set far = run_query(
        'select corrections.event_id from (select corrections.* ' ~ pending
        ~ ' and corrections.load_id in (select load_id from '
        ~ store_relation('stg_cloudtrail__log_reads') ~ ')) as corrections left join (select * from '
        ~ ref('events') ~ ' where ' ~ is_near ~ ') as originals on '
        ~ 'corrections.original_event_id = originals.event_id and '
        ~ 'corrections.recipient_account_id = originals.recipient_account_id '
        ~ 'where originals.event_id is null limit 1'
    ).rows -%}
    {{ return('true' if far else is_near) }}
{%- endmacro %}
