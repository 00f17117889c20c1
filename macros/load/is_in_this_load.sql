{#- The condition on a staged record that its file is one of this load: all are, but where staging
    holds more than a slice. -#}
{% macro is_in_this_load(log_file) -%}
    {%- if is_staged_whole() -%}
        {{ return(
            log_file ~ ' in (select log_file from '
            ~ store_relation('stg_cloudtrail__log_reads') ~ ')'
        ) }}
    {%- endif -%}
    {{ return('true') }}
{%- endmacro %}
