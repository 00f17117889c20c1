{#- The part of the load's window that this run reads, on Athena: `spans` of days as load_window()
    gives them, and the `rest` of the window, which waits for later runs. A table that cannot be
    read by the day is read once: there is no rest, and staging keeps what later slices take.
    The command line reads the rest in the same refresh, run by run: `ROLECALL_LOAD_FROM` is where
    the next one begins. -#}
{% macro load_slice() -%}
    {%- set window = remaining_window() -%}
    {%- if not delivery_day_columns() -%}
        {{ return({'spans': window, 'rest': []}) }}
    {%- endif -%}
    {{ return(oldest_slice(
        window,
        var('slice_days') | int,
        most_days_in_a_scan(),
        has_unread_logs if can_ask() else none
    )) }}
{%- endmacro %}

{#- The part of the load's window that no earlier run of this refresh has read. -#}
{% macro remaining_window() -%}
    {%- set window = load_window() -%}
    {%- set from_day = env_var('ROLECALL_LOAD_FROM', '') if execute else '' -%}
    {%- if from_day -%}
        {{ return(days_from(window, modules.datetime.date.fromisoformat(from_day))) }}
    {%- endif -%}
    {{ return(window) }}
{%- endmacro %}

{#- The oldest part of a window that has something to read, as `has_logs` tells of some spans, of at
    most `slice_days` days and never more than one scan can have; and the rest, if there is something
    to read in it. -#}
{% macro oldest_slice(window, slice_days, most_days, has_logs) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set slice_days = [slice_days, most_days] | min -%}
    {%- set looking = namespace(spans=window, days=slice_days, is_growing=true, found=none) -%}
    {#- Days without logs are stepped over in growing strides; the one that has some is halved. -#}
    {%- for stride in range(10000) if not looking.found -%}
        {%- set part = first_days(looking.spans, looking.days) -%}
        {%- set is_slice = looking.days <= slice_days -%}
        {%- if is_slice and (not part.rest or not has_logs or has_logs(part.spans)) -%}
            {%- set looking.found = part -%}
        {%- elif not is_slice and has_logs(part.spans) -%}
            {%- set looking.is_growing = false -%}
            {%- set looking.days = [looking.days // 2, slice_days] | max -%}
        {%- elif part.rest -%}
            {%- set looking.spans = part.rest -%}
            {%- if looking.is_growing -%}
                {%- set looking.days = [2 * looking.days, most_days] | min -%}
            {%- endif -%}
        {%- else -%}
            {#- Nothing is left to read: what is delivered while this runs has the newest days. -#}
            {%- set looking.found = {
                'spans': days_from(part.spans, window[-1][1] - (slice_days - 1) * one_day),
                'rest': []
            } -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if looking.found.rest and has_logs and not any_logs(
        looking.found.rest, most_days, has_logs
    ) -%}
        {%- do looking.found.update({'rest': []}) -%}
    {%- endif -%}
    {{ return(looking.found) }}
{%- endmacro %}

{#- Whether some spans have something to read, asked of as many days at a time as a scan can have. -#}
{% macro any_logs(spans, most_days, has_logs) -%}
    {%- set left = namespace(spans=spans, has_any=false) -%}
    {%- for scan in range(10000) if left.spans and not left.has_any -%}
        {%- set part = first_days(left.spans, most_days) -%}
        {%- set left.spans = part.rest -%}
        {%- if has_logs(part.spans) -%}
            {%- set left.has_any = true -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(left.has_any) }}
{%- endmacro %}

{#- Spans of days without what is before a day. -#}
{% macro days_from(spans, day) -%}
    {%- set kept = [] -%}
    {%- for span in spans if span[1] >= day -%}
        {%- do kept.append([[span[0], day] | max] + span[1:]) -%}
    {%- endfor -%}
    {#- The newest day is always looked at. -#}
    {{ return(kept or [[spans[-1][1], spans[-1][1]]]) }}
{%- endmacro %}

{#- The first so many days of some spans, and the rest of them. -#}
{% macro first_days(spans, day_count) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set part = {'spans': [], 'rest': []} -%}
    {%- set left = namespace(days=day_count) -%}
    {%- for span in spans -%}
        {%- set days = (span[1] - span[0]).days + 1 -%}
        {%- set taken = [days, left.days] | min -%}
        {%- if taken -%}
            {%- do part.spans.append([span[0], span[0] + (taken - 1) * one_day] + span[2:]) -%}
        {%- endif -%}
        {%- if taken < days -%}
            {%- do part.rest.append([span[0] + taken * one_day] + span[1:]) -%}
        {%- endif -%}
        {%- set left.days = left.days - taken -%}
    {%- endfor -%}
    {{ return(part) }}
{%- endmacro %}

{#- Whether some days have a log that no load has taken: Athena stops at the first record. -#}
{% macro has_unread_logs(spans) -%}
    {{ return(
        run_query(
            'select 1 as is_there from ' ~ raw_relation() ~ ' where ' ~ is_unread_of(spans)
            ~ ' limit 1'
        ).rows | length > 0
    ) }}
{%- endmacro %}

{#- How many days one scan may span: Athena lists at most a million partitions ("Service quotas"),
    and a projected table has one a day for each combination of its other keys. -#}
{% macro most_days_in_a_scan() -%}
    {%- set table = raw_table() or {} -%}
    {%- set properties = table.get('Parameters', {}) -%}
    {%- set folders = namespace(count=1) -%}
    {%- for key in table.get('PartitionKeys', []) -%}
        {%- set kind = 'projection.' ~ key['Name'] | lower -%}
        {%- if properties.get(kind ~ '.type') == 'enum' -%}
            {%- set values = properties.get(kind ~ '.values', '').split(',') -%}
            {%- set folders.count = folders.count * (values | length) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return([1000000 // folders.count, 1] | max) }}
{%- endmacro %}
