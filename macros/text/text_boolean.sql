{#- The boolean that AWS wrote as text (`true`, `"false"`, `TRUE`), null for anything else. -#}
{% macro text_boolean(text) -%}
    case lower({{ text }}) when 'true' then true when 'false' then false end
{%- endmacro %}
