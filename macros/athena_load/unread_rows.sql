{#- The unread records of a load (load_slice.sql) for a question of the command line, which confines
    them to the days from `:first_day` to `:last_day`. -#}
{% macro unread_rows() -%}
    from {{ raw_relation() }}
    where
        {{ is_unread_of(load_slice()) }}
        and {{ delivered_between(':first_day', ':last_day') }}
{%- endmacro %}
