{#- Takes the secrets out of a table which an older version stored, whose texts were looked at less
    closely: as a hook the statement for `relation`, nothing where the store is of this version. Only a
    local database says of which version it is: on Athena `rolecall refresh` knows, and
    `dbt run-operation clean_stored_secrets` cleans all tables that are never built anew. -#}
{% macro clean_stored_secrets(relation=none) -%}
    {%- if relation is none -%}
        {%- for table in ['events', 'event_conflicts', 'log_reads'] -%}
            {%- set stored = load_relation(api.Relation.create(
                database=target.database, schema=target.schema, identifier=table
            )) -%}
            {%- if stored -%}
                {%- do clean_table(stored) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- elif execute and load_relation(relation) and (
        flags.FULL_REFRESH or adapter.dispatch('rebuilds_from_events')()
    ) and target.type == 'duckdb' -%}
        {{ return(cleaning_statement(relation)) }}
    {%- endif -%}
{%- endmacro %}

{#- Cleans a table; one with a day's events in each partition in several statements, as one of Athena
    may write to 100 partitions. -#}
{% macro clean_table(relation) -%}
    {%- if target.type == 'athena' and relation.identifier == 'events' -%}
        {%- set found = run_query(
            'select distinct cast(date(event_at) as varchar) from ' ~ relation
            ~ ' where ' ~ may_have_secrets(relation) ~ ' order by 1'
        ) -%}
        {%- for days in found.columns[0].values() | batch(90) -%}
            {%- do run_query(cleaning_statement(relation, days)) -%}
        {%- endfor -%}
    {%- else -%}
        {%- do run_query(cleaning_statement(relation)) -%}
    {%- endif -%}
{%- endmacro %}

{#- The columns of a table that are texts, ids and hosts which may have a secret in them. -#}
{% macro columns_with_secrets(relation) -%}
    {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- set texts = redacted_columns() + redacted_json_columns() + ['problem'] -%}
    {{ return({
        'texts': names | select('in', texts) | list,
        'ids': names | select('in', digested_columns()) | list,
        'hosts': names | select('equalto', 'tls_host_header') | list,
        'keys': names | select('in', [
            'event_id', 'recipient_account_id', 'log_file', 'record_digest', 'load_id',
        ]) | list,
    }) }}
{%- endmacro %}

{#- The condition that a row has a hint of a secret. -#}
{% macro may_have_secrets(relation) -%}
    {%- set columns = columns_with_secrets(relation) -%}
    ({{ has_secret_hint(joined_texts(columns.texts + columns.ids, 'chr(31)')) }}
    {%- for host in columns.hosts %}
    or strpos({{ host }}, '@') > 0
    {%- endfor %})
{%- endmacro %}

{#- Rows are told by all that a key of one of these tables has; of `days`, texts in their order, if
    there are any. -#}
{% macro cleaning_statement(relation, days=[]) -%}
    {%- set columns = columns_with_secrets(relation) -%}
    {%- set texts = [] -%}
    {%- for text in columns.texts -%}
        {%- do texts.append(redacted_host(text) if text in columns.hosts else text) -%}
    {%- endfor -%}
    merge into {{ relation }} as stored
    using (
        select distinct
            {{ columns['keys'] | join(', ') }},
            {{ redacted_list(texts) }} as redacted_texts
        from {{ relation }}
        where
            {{ may_have_secrets(relation) }}
            {%- if days %}
            and {{ is_within_days('event_at', days) }}
            {%- endif %}
    ) as cleaned
        on
            {%- for key in columns['keys'] %}
            {{ 'and ' if not loop.first }}stored.{{ key }} is not distinct from cleaned.{{ key }}
            {%- endfor %}
            {%- if days %}
            and {{ is_within_days('stored.event_at', days) }}
            {%- endif %}
    when matched then update set
        {%- for id in columns.ids %}
        {{ id }} = {{ digested_secret('stored.' ~ id) }},
        {%- endfor %}
        {%- for text in columns.texts %}
        {{ text }} = cleaned.redacted_texts[{{ loop.index }}]{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#- The condition that a time is of the first to the last of some days. -#}
{% macro is_within_days(time, days) -%}
    {{ time }} >= timestamp '{{ days | first }} 00:00:00'
    and {{ time }} < timestamp '{{ days | last }} 00:00:00' + interval '1' day
{%- endmacro %}
