{#- The partition columns of the raw table that tell the day of delivery: none, one that has the
    whole day, or three for year, month and day. Each has a `name`, Hive's `type`, and the `form` of
    its values, as date_format and strftime write it. The command line knows them; dbt alone takes
    them from `cloudtrail_partitions`, else from the catalogue, as it does (glue_catalogue.py): AWS's
    manual partitions by their names, projected ones by their properties. -#}
{% macro delivery_day_columns() -%}
    {{ return(adapter.dispatch('delivery_day_columns')()) }}
{%- endmacro %}

{#- The reader of the local source knows by itself which files to open. -#}
{% macro duckdb__delivery_day_columns() -%}
    {{ return([]) }}
{%- endmacro %}

{% macro athena__delivery_day_columns() -%}
    {%- if days_to_read() -%}
        {{ return(days_to_read().columns) }}
    {%- endif -%}
    {%- set partitions = var('cloudtrail_partitions', none) -%}
    {%- set keys, properties = {}, {} -%}
    {%- set table = raw_table() -%}
    {%- if table -%}
        {%- for key in table.get('PartitionKeys', []) -%}
            {%- do keys.update({key['Name'] | lower: key['Type'] | lower}) -%}
        {%- endfor -%}
        {%- do properties.update(table.get('Parameters', {})) -%}
    {%- elif partitions -%}
        {%- for name in partitions -%}
            {%- do keys.update({name: 'string'}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set forms = {} -%}
    {%- if partitions -%}
        {%- do forms.update(partitions) -%}
    {%- else -%}
        {%- for name in keys if properties.get('projection.' ~ name ~ '.type') == 'date' -%}
            {%- do forms.update({name: properties.get('projection.' ~ name ~ '.format')}) -%}
        {%- endfor -%}
        {%- if not forms and 'year' in keys and 'month' in keys and 'day' in keys -%}
            {%- do forms.update({'year': 'yyyy', 'month': 'MM', 'day': 'dd'}) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- for name, pattern in forms.items() -%}
        {%- set form = pattern | replace('yyyy', '%Y') | replace('MM', '%m') | replace('dd', '%d') -%}
        {%- if name in keys and modules.re.fullmatch('[a-z0-9_]+', name) -%}
            {%- do columns.append({'name': name, 'type': keys[name], 'form': form}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if modules.re.fullmatch(
        '%Y[/_.-]?%m[/_.-]?%d|%Y %m %d', columns | map(attribute='form') | join(' ')
    ) -%}
        {{ return(columns) }}
    {%- endif -%}
    {%- if partitions -%}
        {{ exceptions.raise_compiler_error(
            "cloudtrail_partitions is " ~ partitions ~ ", and the partition columns of "
            ~ var('cloudtrail_table') ~ " are " ~ (keys | join(', ') or 'none')
            ~ ": name one that has the day, such as {dt: yyyy/MM/dd}, or three in the order"
            ~ " {year: yyyy, month: MM, day: dd}."
        ) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}
