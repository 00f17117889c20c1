{#- The query that names the JSON texts in which two records of a pair differ, whatever their layout and
    the order of members; a text that one record lacks differs as in `differing_value`. It gives
    `pair_number` and `differing_json` for each pair that differs. `pairs` is a CTE with `pair_number`
    and the columns of `differing_value`. -#}
{% macro differing_json(pairs) -%}
    {{ return(adapter.dispatch('differing_json')(pairs)) }}
{%- endmacro %}

{#- DuckDB keeps the order of members: so the values of all paths are sorted and compared. -#}
{% macro duckdb__differing_json(pairs) -%}
    select
        pair_number,
        string_agg(field, ', ' order by field) as differing_json
    from (
        select
            pair_number,
            field,
            list(row(fullkey, type, atom) order by fullkey, atom)
                filter (where side = 1) as leaves,
            list(row(fullkey, type, atom) order by fullkey, atom)
                filter (where side = 2) as stored_leaves
        from (
            {%- for field in json_fields() %}
            {%- for prefix in ['', 'stored_'] %}
            select
                pair_number,
                '{{ field }}' as field,
                {{ loop.index }} as side,
                {{ prefix }}{{ field }} as json
            from {{ pairs }}
            where {{ differing_value(field) }}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as sides,
            json_tree(case when json_valid(json) then json else to_json(json) end)
        group by 1, 2
    ) as fields
    where leaves is distinct from stored_leaves
    group by 1
{%- endmacro %}

{% macro athena__differing_json(pairs) -%}
    {%- set texts = [] -%}
    {%- for field in json_fields() | sort -%}
        {%- do texts.append(
            'case when ' ~ differing_value(field)
            ~ ' and ' ~ canonical_json(field) ~ ' is distinct from '
            ~ canonical_json('stored_' ~ field) ~ " then '" ~ field ~ "' end"
        ) -%}
    {%- endfor -%}
    select
        pair_number,
        nullif({{ joined_texts(texts, "', '") }}, '') as differing_json
    from {{ pairs }}
{%- endmacro %}
