{#- The fields that a raw CloudTrail table has, as a list of dotted paths in lower case
    (`useridentity.sessioncontext.sourceidentity`), read from the catalogue: tables of different age and
    origin have different fields. None if the catalogue need not, or cannot, be asked. -#}
{% macro raw_fields() -%}
    {{ return(adapter.dispatch('raw_fields')()) }}
{%- endmacro %}

{#- The local source has every field that AWS documents. -#}
{% macro duckdb__raw_fields() -%}
    {{ return(none) }}
{%- endmacro %}

{% macro athena__raw_fields() -%}
    {%- if not can_ask() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set logs = raw_relation() -%}
    {%- set paths = [] -%}
    {%- for column in adapter.get_columns_in_relation(logs) -%}
        {%- do paths.extend(field_paths(column.name | lower, column.dtype | lower)) -%}
    {%- endfor -%}
    {%- if not paths -%}
        {{ exceptions.raise_compiler_error(
            "There is no table " ~ logs ~ ": name the CloudTrail table with the variables"
            ~ " cloudtrail_schema and cloudtrail_table."
        ) }}
    {%- endif -%}
    {{ return(paths) }}
{%- endmacro %}

{#- The path of a field and of each member below it. `type` is Hive's, such as
    `struct<a:string,b:struct<c:string>>`; members of an array's elements count as the array's. -#}
{% macro field_paths(path, type) -%}
    {%- if type.startswith('array<') -%}
        {{ return(field_paths(path, type[6:-1])) }}
    {%- endif -%}
    {%- set paths = [path] -%}
    {%- if type.startswith('struct<') -%}
        {%- set inside = type[7:-1] -%}
        {%- set reading = namespace(depth=0, start=0) -%}
        {%- for position in range(inside | length + 1) -%}
            {%- set mark = inside[position] if position < inside | length else ',' -%}
            {%- if mark in '<(' -%}
                {%- set reading.depth = reading.depth + 1 -%}
            {%- elif mark in '>)' -%}
                {%- set reading.depth = reading.depth - 1 -%}
            {%- elif mark == ',' and reading.depth == 0 -%}
                {%- set member = inside[reading.start:position] -%}
                {%- set reading.start = position + 1 -%}
                {%- set name, colon, member_type = member.strip().partition(':') -%}
                {%- do paths.extend(
                    field_paths(path ~ '.' ~ name.strip(), member_type.strip())
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(paths) }}
{%- endmacro %}
