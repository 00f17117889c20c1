{#- The statement that takes the secrets out of events which an older version stored, whose texts
    were looked at less closely; nothing where the store is of this version. Only a local database
    says of which version it is: on Athena `dbt run-operation clean_stored_secrets` asks for it. -#}
{% macro clean_stored_secrets(relation=none) -%}
    {%- set is_asked_for = relation is none -%}
    {%- set events = relation or api.Relation.create(
        database=target.database, schema=target.schema, identifier='events'
    ) -%}
    {%- set columns = [
        'user_agent', 'error_message', 'request_parameters', 'response_elements',
        'additional_event_data', 'service_event_details', 'edge_device_details',
    ] -%}
    {%- set statement -%}
        update {{ events }}
        set
            {%- for column in columns %}
            {{ column }} = {{ redacted_text(column) }}{{ ',' if not loop.last }}
            {%- endfor %}
        where
            {%- for column in columns %}
            {{ 'or ' if not loop.first }}coalesce({{ has_secret_hint(column) }}, false)
            {%- endfor %}
    {%- endset -%}
    {%- if is_asked_for -%}
        {%- do run_query(statement) -%}
    {%- elif execute and load_relation(events) and (
        flags.FULL_REFRESH or adapter.dispatch('rebuilds_from_events')()
    ) and target.type == 'duckdb' -%}
        {{ return(statement) }}
    {%- endif -%}
{%- endmacro %}
