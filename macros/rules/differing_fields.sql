{#- RULES 10, tolerance: the names of the fields in which two records of one key differ, as text; '' for
    none. JSON texts are compared elsewhere (`differing_json`). See `differing_value`. -#}
{% macro differing_fields() -%}
    {%- set texts = [] -%}
    {%- for field in compared_fields() -%}
        {%- do texts.append(
            'case when ' ~ differing_value(field) ~ " then '" ~ field ~ "' end"
        ) -%}
    {%- endfor -%}
    {{ joined_texts(texts, "', '") }}
{%- endmacro %}

{#- RULES 10: whether two records of a pair differ in a field: in the columns of this name and of
    `stored_...`. A field that one record lacks is a difference only if the way of delivery or reading
    cannot be the cause: in a field that every delivery has; and between two log files of trails
    (`are_of_trails`), which CloudTrail writes alike, in a field that every table has, or in any field
    if one load read both (`are_of_one_load`). -#}
{% macro differing_value(field) -%}
    {%- set stored = 'stored_' ~ field -%}
    {%- if field in fields_of_every_delivery() -%}
        {{ field }} is distinct from {{ stored }}
    {%- else -%}
        coalesce(
            {{ field }} <> {{ stored }},
            are_of_trails
            {%- if field not in fields_of_every_table() %} and are_of_one_load{% endif %}
            and {{ field }} is distinct from {{ stored }},
            false
        )
    {%- endif -%}
{%- endmacro %}

{#- Whether two records of a pair are alike in all stored fields. -#}
{% macro is_kept_alike() -%}
    (
        {%- for field in compared_fields() + json_fields() %}
        {{ field }} is not distinct from stored_{{ field }}
        {%- if not loop.last %} and {% endif -%}
        {%- endfor %}
    )
{%- endmacro %}

{#- The fields that are not optional: AWS CloudTrail User Guide, "CloudTrail record contents". -#}
{% macro fields_of_every_delivery() -%}
    {{ return([
        'event_name', 'event_source', 'aws_region', 'source_ip_address', 'identity_type'
    ]) }}
{%- endmacro %}

{#- The fields of a table that CloudTrail's console made in 2020. -#}
{% macro fields_of_every_table() -%}
    {{ return([
        'event_type', 'event_version', 'user_agent', 'error_code', 'error_message', 'is_read_only',
        'request_id', 'shared_event_id', 'api_version', 'principal_id', 'identity_arn',
        'identity_account_id', 'access_key_id', 'user_name', 'invoked_by', 'session_created_at',
        'is_session_mfa_authenticated', 'session_issuer_type', 'session_issuer_arn',
        'session_issuer_account_id', 'session_issuer_user_name', 'session_issuer_principal_id',
        'vpc_endpoint_id', 'request_parameters', 'response_elements', 'additional_event_data',
        'service_event_details', 'resources'
    ]) }}
{%- endmacro %}

{% macro compared_fields() -%}
    {{ return(record_fields() | rejectattr(2, 'equalto', 'json') | map(attribute=0) | list) }}
{%- endmacro %}

{% macro json_fields() -%}
    {%- set logged = record_fields() | selectattr(2, 'equalto', 'json') | map(attribute=0) | list -%}
    {{ return(logged + ['resources']) }}
{%- endmacro %}
