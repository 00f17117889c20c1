{#- The condition on stored events among which the originals of corrections are looked for that have
    not found one. -#}
{% macro may_be_corrected() -%}
    {{ return(adapter.dispatch('may_be_corrected')()) }}
{%- endmacro %}

{#- All of them: the few corrections are looked up in one scan of keys. -#}
{% macro duckdb__may_be_corrected() -%}
    true
{%- endmacro %}

{#- Each refresh would scan the keys of years. An original may come with any load: those of two days
    are looked at. And a correction may be of any event: those of its day, since it has the time of its
    original; all, for a correction of this load that has none there. -#}
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
