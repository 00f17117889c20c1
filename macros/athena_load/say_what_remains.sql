{#- Say which days of delivery this run takes, where it is not all that there are, and leave the
    rest to whoever ran dbt: on the terminal, and in the model's `meta` for a program. -#}
{% macro say_what_remains(slice) -%}
    {%- set spans, rest = slice.spans, slice.rest -%}
    {%- if execute and flags.WHICH in ('run', 'build') and config.get('meta') is mapping -%}
        {%- do config.get('meta').update({
            'loaded_to': spans[-1][1] | string,
            'remains_from': rest[0][0] | string if rest else none,
            'remains_to': rest[-1][1] | string if rest else none
        }) -%}
        {%- if rest -%}
            {%- do log(
                'This run loads the logs delivered from ' ~ spans[0][0] ~ ' to ' ~ spans[-1][1]
                ~ '. Those from ' ~ rest[0][0] ~ ' on remain: run it again.',
                info=true
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
