{#- The condition that the ledger does not have a log file as done: loaded, or empty. An unreadable one
    is tried again. `since_day`, a literal, spares the ledger's rows of files delivered before. -#}
{% macro is_not_done(log_file, since_day=none) -%}
    {%- set log_reads = store_relation('log_reads') -%}
    {%- if not log_reads -%}
        {{ return('true') }}
    {%- endif -%}
    {{ log_file }} not in (
        select done.log_file
        from {{ log_reads }} as done
        where
            done.status in ('loaded', 'empty')
            {%- if since_day %}
            and coalesce(done.delivered_date >= date {{ since_day }}, true)
            {%- endif %}
    )
{%- endmacro %}
