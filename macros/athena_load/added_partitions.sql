{#- The accounts and regions that `rolecall setup` and `rolecall refresh` added to their table when it
    was there already, as its property `rolecall.added` has them, less those that are loaded: of each
    the partition `column` and its `value`, and the `first` and the `last` day that are left of those
    that it had then. That the ledger has others' files of these days says nothing of them. -#}
{% macro added_partitions() -%}
    {%- set as_date = modules.datetime.date.fromisoformat -%}
    {%- set added, left = [], [] -%}
    {%- for column, value, first, last in modules.re.findall(
        '(account|region)=([a-z0-9-]+):([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{4}-[0-9]{2}-[0-9]{2})',
        (raw_table() or {}).get('Parameters', {}).get('rolecall.added', '')
    ) -%}
        {%- do added.append(
            {'column': column, 'value': value, 'first': as_date(first), 'last': as_date(last)}
        ) -%}
    {%- endfor -%}
    {%- set newest_days = newest_days_in_ledger() if added else {} -%}
    {%- for partition in added -%}
        {#- Loads begin with the oldest day: up to the newest that is loaded nothing is missing. -#}
        {%- set newest = newest_days.get(partition.value) -%}
        {%- if newest -%}
            {%- do partition.update({'first': [partition.first, newest] | max}) -%}
        {%- endif -%}
        {%- if not newest or newest < partition.last -%}
            {%- do left.append(partition) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(left) }}
{%- endmacro %}

{#- The newest day of delivery that the ledger has of each account and of each region. -#}
{% macro newest_days_in_ledger() -%}
    {%- set newest = {} -%}
    {%- for row in run_query(
        'select coalesce(account_id, aws_region) as partition_value,'
        ~ ' cast(max(delivered_date) as varchar) as delivered_date'
        ~ ' from ' ~ store_relation('log_reads')
        ~ ' where delivered_date is not null group by grouping sets ((account_id), (aws_region))'
    ).rows if row[0] -%}
        {%- do newest.update({row[0]: modules.datetime.date.fromisoformat(row[1] | string)}) -%}
    {%- endfor -%}
    {{ return(newest) }}
{%- endmacro %}

{#- Spans of days with those of added partitions between them, from `first_day` on: these have a
    third member, the partitions that are read of them, and no others are. -#}
{% macro with_added_partitions(spans, added, first_day) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set all = [] -%}
    {%- set gap = namespace(first=first_day) -%}
    {%- for span in spans -%}
        {%- set gap_last = span[0] - one_day -%}
        {%- set here, firsts, lasts = [], [], [] -%}
        {%- for partition in added -%}
            {%- set first = [partition.first, gap.first] | max -%}
            {%- set last = [partition.last, gap_last] | min -%}
            {%- if first <= last -%}
                {%- do here.append(partition) -%}
                {%- do firsts.append(first) -%}
                {%- do lasts.append(last) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if here -%}
            {%- do all.append([firsts | min, lasts | max, here]) -%}
        {%- endif -%}
        {%- do all.append(span) -%}
        {%- set gap.first = span[1] + one_day -%}
    {%- endfor -%}
    {{ return(all) }}
{%- endmacro %}

{#- The condition on a raw row that it lies in one of some added partitions. -#}
{% macro is_in_added_partition(added) -%}
    {%- set conditions = [] -%}
    {%- for column, partitions in added | groupby('column') -%}
        {%- set values = [] -%}
        {%- for partition in partitions -%}
            {%- do values.append(sql_text(partition.value)) -%}
        {%- endfor -%}
        {%- do conditions.append('"' ~ column ~ '" in (' ~ (values | join(', ')) ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ')) ~ ')') }}
{%- endmacro %}
