{#- The accounts and regions, by their partition column, that were added to the table of `rolecall
    setup` and of which nothing is loaded: dbt alone leaves them to `rolecall refresh`, which loads
    their past first. Once newer days were loaded, it would take the past as loaded too. -#}
{% macro partitions_left_alone() -%}
    {%- set log_reads = store_relation('log_reads') if can_ask() and not days_to_read() -%}
    {%- set properties = (raw_table() or {}).get('Parameters', {}) if log_reads else {} -%}
    {%- set added = modules.re.findall(
        '(account|region)=([a-z0-9-]+):', properties.get('rolecall.added', '')
    ) -%}
    {%- set loaded = run_query(
        'select distinct coalesce(account_id, aws_region) from ' ~ log_reads
        ~ ' group by grouping sets ((account_id), (aws_region))'
    ).columns[0].values() if added else [] -%}
    {%- set left = {} -%}
    {%- for column, value in added if value not in loaded -%}
        {%- do left.setdefault(column, []).append(value) -%}
    {%- endfor -%}
    {{ return(left) }}
{%- endmacro %}
