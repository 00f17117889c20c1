{#- What a data test reads of a model: as dbt does it, but `where: this load` stands for the events
    of the days that this load has. An audit looks at all of them. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where == 'this load' -%}
        {%- set where = '' if env_var('ROLECALL_AUDIT', '') else within_staged_days('event_at') -%}
    {%- endif -%}
    {%- if where -%}
        (select * from {{ relation }} where {{ where }}) as tested
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
