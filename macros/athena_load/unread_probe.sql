{#- What finds a log file that Athena cannot read and does not name, as JSON: the `spans` of days
    that are to be read, as texts, and `sql`, which reads every field of the unread records in the
    files from `:first_file` to `:last_file`, delivered from `:first_day` to `:last_day`. A record cut
    short fails whichever field is asked for, a value of the wrong type only with its own: hence
    all. -#}
{% macro unread_probe() -%}
    {%- set spans = remaining_window() -%}
    {%- set fields = [] -%}
    {%- for column in adapter.get_columns_in_relation(raw_relation()) -%}
        {%- do fields.append('count("' ~ column.name ~ '")') -%}
    {%- endfor -%}
    {%- set sql -%}
        select {{ fields | join(', ') }}
        from {{ raw_relation() }}
        where
            {{ is_unread_of(spans) }}
            and {{ delivered_between(':first_day', ':last_day') }}
            and "$path" between :first_file and :last_file
    {%- endset -%}
    {{ return(tojson({'spans': span_texts(spans), 'sql': sql})) }}
{%- endmacro %}
