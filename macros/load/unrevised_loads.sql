{#- Whether a stored event belongs to a load in which more actions are replaced than its newest revision
    knew of. As literals, so that the events of no other load are read. -#}
{% macro unrevised_loads() -%}
    {%- if not can_ask() or flags.WHICH not in ('run', 'build') or model.resource_type != 'model' -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set loads = run_query(
        'select replaced.load_id, cast(replaced.loaded_at as varchar) as loaded_at from ('
        ~ 'select load_id, min(loaded_at) as loaded_at, count(*) as revision from '
        ~ ref('replaced_events') ~ ' where is_session_action group by load_id) as replaced'
        ~ (
            ' left join (select load_id, max(revision) as revision from ' ~ this
            ~ ' group by load_id) as known on replaced.load_id = known.load_id'
            ~ ' where replaced.revision > coalesce(known.revision, 0)' if is_incremental() else ''
        )
    ).rows -%}
    {%- if not loads -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for load in loads -%}
        {%- do names.append(sql_text(load['load_id'])) -%}
    {%- endfor -%}
    {%- set times = loads | map(attribute='loaded_at') | list -%}
    {{ return(
        "loaded_at between timestamp '" ~ (times | min) ~ "' and timestamp '" ~ (times | max)
        ~ "' and load_id in (" ~ (names | join(', ')) ~ ')'
    ) }}
{%- endmacro %}
