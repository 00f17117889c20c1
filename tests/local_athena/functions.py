"""The functions that statements for Athena may call, and what else stands before a bracket.

Sources: Athena User Guide, "Functions in Amazon Athena"; Trino's release notes for what came later.
"""

# Functions that both Athena engine version 3 and Trino have for long. One that is not here is to
# be looked up in Athena's documentation first.
FUNCTIONS = frozenset(
    """
    abs arbitrary array_agg array_distinct array_join array_sort bool_and bool_or cardinality cast
    ceil ceiling chr coalesce concat contains count count_if date date_add date_diff date_format
    date_parse
    date_trunc day_of_week dense_rank element_at filter first_value floor format_datetime
    from_iso8601_timestamp from_unixtime greatest if json_array_length json_extract
    json_extract_scalar json_format json_parse lag last_value lead least length lower lpad map_agg
    max max_by min min_by mod nullif parse_datetime rank regexp_extract regexp_extract_all
    regexp_like regexp_replace replace reverse round row row_number rpad sequence sha256 slice
    split split_part starts_with strpos substr substring sum to_hex to_unixtime to_utf8 transform
    translate trim try try_cast unnest upper uuid year
    """.split()  # noqa: SIM905
)
# What else stands before a bracket.
WORDS = frozenset(
    """
    all and any array as between by char decimal else except exists from in insert intersect
    into join like map not on or over select set sets then timestamp union using values varchar
    when where with within
    """.split()  # noqa: SIM905
)
