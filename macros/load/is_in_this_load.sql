{#- Whether a staged record's file belongs to this load. All do, unless staging holds more than one
    slice. -#}
{% macro is_in_this_load(log_file) -%}
    {%- if is_staged_whole() -%}
        {{ return(
            log_file ~ ' in (select log_file from '
            ~ store_relation('stg_cloudtrail__log_reads') ~ ')'
        ) }}
    {%- endif -%}
    {{ return('true') }}
{%- endmacro %}
