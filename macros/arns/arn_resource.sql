{#- The resource of an ARN, the part after its fifth colon: `role/team/Admin`. Whoever makes a user or a
    role chooses its path, which may have colons: no part of it tells the kind of a principal. -#}
{% macro arn_resource(arn) -%}
    regexp_extract({{ arn }}, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.*)$', 1)
{%- endmacro %}
