{#- The resource of an ARN, what stands behind its fifth colon: `role/team/Admin`. Whoever makes a user or
    a role chooses its path, in which colons may stand: no kind of a principal is told by a part of it. -#}
{% macro arn_resource(arn) -%}
    regexp_extract({{ arn }}, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.*)$', 1)
{%- endmacro %}
