{#- The time of this load: when the run started, to the millisecond, but later than any load
    before it, so that the order of loads survives a clock that was put back. -#}
{% macro loaded_at() -%}
    {%- set started_at = "timestamp '" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')[:-3] ~ "'" -%}
    {%- set log_reads = store_relation('log_reads') -%}
    {%- if log_reads -%}
        {{ mart_timestamp(
            "(select coalesce(greatest(" ~ started_at ~ ", max(loaded_at) + interval '0.001' second), "
            ~ started_at ~ ") from " ~ log_reads ~ ")"
        ) }}
    {%- else -%}
        {{ mart_timestamp(started_at) }}
    {%- endif -%}
{%- endmacro %}
