{#- The statement that takes the secrets out of a table which an older version stored, whose texts
    were looked at less closely; nothing where the store is of this version. Only a local database
    says of which version it is: on Athena `dbt run-operation clean_stored_secrets` asks for it, for
    all tables that are never built anew. -#}
{% macro clean_stored_secrets(relation=none) -%}
    {%- if relation is none -%}
        {%- for table in ['events', 'event_conflicts', 'log_reads'] -%}
            {%- set stored = load_relation(api.Relation.create(
                database=target.database, schema=target.schema, identifier=table
            )) -%}
            {%- if stored -%}
                {%- do run_query(cleaning_statement(stored)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- elif execute and load_relation(relation) and (
        flags.FULL_REFRESH or adapter.dispatch('rebuilds_from_events')()
    ) and target.type == 'duckdb' -%}
        {{ return(cleaning_statement(relation)) }}
    {%- endif -%}
{%- endmacro %}

{#- Rows are told by all that a key of one of these tables has. -#}
{% macro cleaning_statement(relation) -%}
    {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- set texts = redacted_columns() + redacted_json_columns() + ['problem'] -%}
    {%- set texts = names | select('in', texts) | list -%}
    {%- set ids = names | select('in', digested_columns()) | list -%}
    {%- set keys = names | select('in', [
        'event_id', 'recipient_account_id', 'log_file', 'record_digest', 'load_id',
    ]) | list -%}
    {%- set hosts = names | select('equalto', 'tls_host_header') | list -%}
    merge into {{ relation }} as stored
    using (
        select distinct
            {{ keys | join(', ') }},
            {{ redacted_list(texts) }} as redacted_texts
        from {{ relation }}
        where
            {{ has_secret_hint(joined_texts(texts + ids, 'chr(31)')) }}
            {%- for host in hosts %}
            or strpos({{ host }}, '@') > 0
            {%- endfor %}
    ) as cleaned
        on
            {%- for key in keys %}
            {{ 'and ' if not loop.first }}stored.{{ key }} is not distinct from cleaned.{{ key }}
            {%- endfor %}
    when matched then update set
        {%- for id in ids %}
        {{ id }} = {{ digested_secret('stored.' ~ id) }},
        {%- endfor %}
        {%- for host in hosts %}
        {{ host }} = {{ redacted_host('stored.' ~ host) }},
        {%- endfor %}
        {%- for text in texts %}
        {{ text }} = cleaned.redacted_texts[{{ loop.index }}]{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}
