"""Results of queries as Arrow tables and Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rolecall.errors import RolecallError
from rolecall.output.formats import local_time
from rolecall.result import Result

_ROW_GROUP_BYTES, _ROW_GROUP_ROWS = 32 << 20, 122_880
_BATCH_ROWS = 500
# "0044-03-15 (BC) 12:00:00.5+00", as DuckDB writes what Python has no date for.
_FAR_TIME = re.compile(
    r"(?P<year>\d{4,})-(?P<month>\d\d)-(?P<day>\d\d)(?P<bc> \(BC\))?"
    r"(?: (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?"
    r"(?:\+00)?"
)
_MICROSECONDS_A_DAY = 86_400_000_000
# The Gregorian calendar comes again after so many years, and days.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


def write_parquet(result: Result, stream: IO[bytes]) -> None:
    """Write one Parquet file; timestamps are in microseconds, UTC. Raises RolecallError."""
    schema = _arrow_schema(result)
    with pq.ParquetWriter(stream, schema) as writer:
        group: list[pa.Table] = []
        for table in _arrow_tables(result, schema):
            group.append(table)
            if (
                sum(each.nbytes for each in group) >= _ROW_GROUP_BYTES
                or sum(each.num_rows for each in group) >= _ROW_GROUP_ROWS
            ):
                writer.write_table(pa.concat_tables(group))
                group = []
        if group:
            writer.write_table(pa.concat_tables(group))


def arrow_table(result: Result) -> pa.Table:
    """Return a result as an Arrow table; timestamps are in microseconds, UTC."""
    schema = _arrow_schema(result)
    return pa.concat_tables([schema.empty_table(), *_arrow_tables(result, schema)])


def _arrow_schema(result: Result) -> pa.Schema:
    types = {
        "text": pa.string(),
        "bigint": pa.int64(),
        "ubigint": pa.uint64(),
        "hugeint": pa.decimal128(38, 0),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }

    def arrow_type(name: str) -> pa.DataType:
        if name in types:
            return types[name]
        precision, scale = re.findall(r"\d+", name)
        return pa.decimal128(int(precision), int(scale))

    fields = zip(result.columns, result.types, strict=True)
    return pa.schema(
        [
            (name, pa.string() if _is_too_long(result, index) else arrow_type(kind))
            for index, (name, kind) in enumerate(fields)
        ]
    )


def _is_too_long(result: Result, column: int) -> bool:
    """Return whether a column has whole numbers of more digits than Parquet has a number for."""
    return result.types[column] == "hugeint" and any(
        row[column] is not None and abs(row[column]) >= 10**38 for row in result.rows
    )


def _arrow_tables(result: Result, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows as tables of some each. Raises RolecallError."""
    rows = iter(result.rows)
    while batch := list(islice(rows, _BATCH_ROWS)):
        arrays = []
        for field, kind, values in zip(schema, result.types, zip(*batch, strict=True), strict=True):
            try:
                arrays.append(_arrow_array(values, kind, field.type))
            except (pa.ArrowException, ValueError, OverflowError):
                raise RolecallError(
                    f"The column {field.name} has a value that Parquet has no {kind} for: cast the"
                    " column to text (`cast(... as varchar)`), or choose another format."
                ) from None
        yield pa.table(arrays, schema=schema)


def _arrow_array(values: Sequence[Any], kind: str, type_: pa.DataType) -> pa.Array:
    """Return a column. Raises ValueError or pyarrow's ArrowException."""
    if kind == "hugeint":
        to_field = str if pa.types.is_string(type_) else Decimal
        values = [None if value is None else to_field(value) for value in values]
    elif kind in ("date", "timestamp") and any(isinstance(value, str) for value in values):
        counts = [_since_1970(value) for value in values]
        if kind == "date":
            days = [None if count is None else count // _MICROSECONDS_A_DAY for count in counts]
            return pa.array(days, type=pa.int32()).cast(type_)
        return pa.array(counts, type=pa.int64()).cast(type_)
    return pa.array(values, type=type_)


def _since_1970(value: date | str | None) -> int | None:
    """Return the microseconds from 1970 on to a time, or to a day. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return (local_time(value, UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            microseconds=1
        )
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days * _MICROSECONDS_A_DAY
    match = _FAR_TIME.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not a time")
    year = 1 - int(match["year"]) if match["bc"] else int(match["year"])
    cycles, year_of_cycle = divmod(year - 2000, _CYCLE_YEARS)
    like_day = date(2000 + year_of_cycle, int(match["month"]), int(match["day"]))
    days = (like_day - date(1970, 1, 1)).days + cycles * _CYCLE_DAYS
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    microseconds = int((match["fraction"] or "").ljust(6, "0"))
    return days * _MICROSECONDS_A_DAY + ((hour * 60 + minute) * 60 + second) * 10**6 + microseconds
