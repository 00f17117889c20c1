"""Results of queries as tables, CSV, JSON and Parquet."""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rolecall.errors import RolecallError, UsageError
from rolecall.text import Screen, cells, clean, fitted, is_shown, say_data, standard_output

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "csv", "json", "parquet")

# A spreadsheet makes a formula of a cell that begins with one of these signs (OWASP, "CSV
# Injection"); some take their full-width and small forms for them, and pass over what is before.
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_BEFORE_SIGN = r"[ \"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\u2000-\u200f\u3000\ufeff]"
# Control characters begin no cell (OWASP ASVS 1.2.10 names tab and NUL). Behind another separator
# a cell begins too: the quotes of this file are none to whom that separates cells.
_FORMULA = re.compile(
    rf"^(?=[\x00-\x1f\x7f-\x9f\ufeff])|(?:^|(?<=[;|\t\r\n]))(?={_BEFORE_SIGN}*[{_SIGNS}])"
)
_MAY_BE_FORMULA = re.compile(rf"^[{_SIGNS}]|^{_BEFORE_SIGN}|[;|\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_QUOTED = re.compile(r'[,;|"\t\r\n]')
_NARROWEST_CELL = 16
_GAP = " "
_ROW_GROUP_BYTES, _ROW_GROUP_ROWS = 32 << 20, 122_880
_BATCH_ROWS = 500
# "0044-03-15 (BC) 12:00:00.5+00", as DuckDB writes what Python has no date for.
_FAR_TIME = re.compile(
    r"(?P<year>\d{4,})-(?P<month>\d\d)-(?P<day>\d\d)(?P<bc> \(BC\))?"
    r"(?: (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?"
    r"(?:\+00)?"
)


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query, which can be read as often as need be.

    ``types`` are text, bigint, ubigint, hugeint, decimal(PRECISION,SCALE), double, boolean, date or
    timestamp (UTC). A date or a time that Python has none for is text.
    """

    columns: Sequence[str]
    types: Sequence[str]
    rows: Collection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: which columns of the result it shows, and on terminals of which width.

    Those are the widths from ``from_width`` on and, unless it is None, below ``below_width``.
    """

    title: str
    shows: Callable[[dict[str, Any]], str]
    from_width: int = 0
    least: int = 8
    below_width: int | None = None

    def has_place(self, width: int) -> bool:
        """Return whether a terminal of a width shows it."""
        return self.from_width <= width and (self.below_width is None or width < self.below_width)


def write(
    result: Result,
    format_: str,
    output: Path | None,
    zone: ZoneInfo,
    columns: Sequence[Column] | None = None,
) -> None:
    """Write a result to ``output``, or to standard output without one.

    Columns of the same name get a number behind it.

    ``columns`` says how a table shows the result; other formats have all its columns. A file that
    is there keeps its mode, a new one is its owner's alone. Raises UsageError.
    """
    result = replace(result, columns=_distinct(result.columns))
    if output is not None:
        with _file(output) as binary:
            _write_to(result, format_, binary, zone, columns)
    elif format_ == "table":
        write_table(result, sys.stdout, zone, columns)
    elif format_ == "csv":
        say_data(csv_lines(result, zone))
    elif format_ == "json":
        say_data(json_lines(result, zone))
    elif sys.stdout.isatty():
        raise UsageError("Parquet is no text: name a file with --output.")
    else:
        write_parquet(result, standard_output())
    sys.stdout.flush()


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when it is whole, or what is there and is no file."""
    from rolecall.private_files import new_file

    try:
        mode = path.stat().st_mode if path.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            with path.open("wb") as binary:  # a pipe or a device
                yield binary
            return
        draft = path.with_name(f".{path.name}.part")
        try:
            with new_file(draft) as binary:
                # Of a link only the name is taken: its file may be open to all.
                if mode is not None and not path.is_symlink():
                    os.fchmod(binary.fileno(), stat.S_IMODE(mode))
                yield binary
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from None


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, the second ``a`` as ``a_2``."""
    distinct: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct.append(candidate)
    return distinct


def _write_to(
    result: Result,
    format_: str,
    binary: IO[bytes],
    zone: ZoneInfo,
    columns: Sequence[Column] | None,
) -> None:
    if format_ == "parquet":
        write_parquet(result, binary)
        return
    text = io.TextIOWrapper(binary, encoding="utf-8", errors="replace", newline="")
    if format_ == "csv":
        write_csv(result, text, zone)
    elif format_ == "json":
        write_json(result, text, zone)
    else:
        write_table(result, text, zone, columns)
    text.flush()
    text.detach()


def write_csv(result: Result, stream: IO[str], zone: ZoneInfo) -> None:
    """Write CSV as ``csv_lines`` has it."""
    stream.writelines(f"{line}\n" for line in csv_lines(result, zone))


def csv_lines(result: Result, zone: ZoneInfo) -> Iterator[str]:
    """Yield CSV (RFC 4180): NULL is an empty field, '' is ``""``.

    No cell starts a formula, to whatever of comma, semicolon, tab and bar separates the cells: an
    apostrophe stands before what would.
    """
    yield ",".join(map(_csv_text, result.columns))
    for row in result.rows:
        yield ",".join(
            [
                _csv_text(value) if type(value) is str else _csv_field(_plain(value, zone))
                for value in row
            ]
        )


def write_json(result: Result, stream: IO[str], zone: ZoneInfo) -> None:
    """Write JSON as ``json_lines`` has it."""
    stream.writelines(f"{line}\n" for line in json_lines(result, zone))


def json_lines(result: Result, zone: ZoneInfo) -> Iterator[str]:
    """Yield an array with one object a row; timestamps are ISO 8601 with the zone's offset.

    Decimal numbers have all their digits; what is no number, or infinite, is null.
    """
    left = len(result.rows)
    yield "[" if left else "[]"
    for text in _json_objects(result, zone):
        left -= 1
        yield f" {text}{',' if left else ''}"
    if result.rows:
        yield "]"


def _json_objects(result: Result, zone: ZoneInfo) -> Iterator[str]:
    if not any(kind.startswith("decimal") for kind in result.types):
        yield from map(to_json, plain_rows(result, zone))
        return
    names = [to_json(column) for column in result.columns]
    for row in result.rows:
        members = (
            f"{name}: {_json_text(value, zone)}" for name, value in zip(names, row, strict=True)
        )
        yield f"{{{', '.join(members)}}}"


def to_json(value: object, indent: int | None = None) -> str:
    """Return JSON with every character as it is, but for an escape where it would not be shown."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    if text.isprintable():
        return text
    return "".join(
        char if is_shown(char) or (char == "\n" and indent is not None) else json.dumps(char)[1:-1]
        for char in text
    )


def _json_text(value: object, zone: tzinfo) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    return to_json(json_value(value, zone))


def plain_rows(result: Result, zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    """Yield rows as objects of JSON; timestamps are ISO 8601 with the zone's offset."""
    for row in result.rows:
        yield {
            column: json_value(value, zone)
            for column, value in zip(result.columns, row, strict=True)
        }


def write_parquet(result: Result, stream: IO[bytes]) -> None:
    """Write one Parquet file; timestamps are in microseconds, UTC. Raises RolecallError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

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
    import pyarrow as pa

    schema = _arrow_schema(result)
    return pa.concat_tables([schema.empty_table(), *_arrow_tables(result, schema)])


def _arrow_schema(result: Result) -> pa.Schema:
    import pyarrow as pa

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
    import pyarrow as pa

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
    import pyarrow as pa

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


_MICROSECONDS_A_DAY = 86_400_000_000
# The Gregorian calendar comes again after so many years, and days.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


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
        raise ValueError(f"{value!r} is no time")
    year = 1 - int(match["year"]) if match["bc"] else int(match["year"])
    cycles, year_of_cycle = divmod(year - 2000, _CYCLE_YEARS)
    like_it = date(2000 + year_of_cycle, int(match["month"]), int(match["day"]))
    days = (like_it - date(1970, 1, 1)).days + cycles * _CYCLE_DAYS
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    microseconds = int((match["fraction"] or "").ljust(6, "0"))
    return days * _MICROSECONDS_A_DAY + ((hour * 60 + minute) * 60 + second) * 10**6 + microseconds


@dataclass(frozen=True, slots=True)
class _Shown:
    """The cells of a result, as often as need be."""

    result: Result
    columns: Sequence[Column]

    def __iter__(self) -> Iterator[list[str]]:
        for row in self.result.rows:
            named = dict(zip(self.result.columns, row, strict=True))
            yield [column.shows(named) for column in self.columns]


def write_table(
    result: Result, stream: IO[str], zone: ZoneInfo, columns: Sequence[Column] | None = None
) -> None:
    """Write a table that fits the terminal: what does not fit is cut, and ends in an ellipsis.

    More columns than have room side by side are written one below the other. What is no terminal
    has no width: nothing is cut there, unless COLUMNS sets one.
    """
    screen = Screen(stream)
    if columns is None:
        columns = _plain_columns(result, zone)
    shown = [column for column in columns if column.has_place(screen.width)]
    if sum(column.least + len(_GAP) for column in shown) - len(_GAP) <= screen.width:
        write_columns(result, shown, screen)
        return
    always = [column for column in columns if column.below_width is None]
    longest_title = max(len(column.title) for column in always)
    for number, row in enumerate(_Shown(result, always), start=1):
        screen.line(f"-- {number} --", is_bold=True)
        facts = [[column.title, cell] for column, cell in zip(always, row, strict=True)]
        write_lines(None, facts, [min(longest_title, screen.width // 2), 1], screen)


def write_columns(result: Result, columns: Sequence[Column], screen: Screen) -> None:
    """Write a result as rows of cells below their titles."""
    titles, least = ([column.title for column in columns], [column.least for column in columns])
    write_lines(titles, _Shown(result, columns), least, screen)


def json_value(value: object, zone: tzinfo) -> str | int | float | bool | None:
    """Return a value as JSON has it: timestamps and days are ISO 8601, infinity is null."""
    if isinstance(value, (float, Decimal)):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return _plain(value, zone)


def local_time(value: datetime, zone: tzinfo) -> datetime:
    """Return a timestamp, in UTC where it has no zone, as an instant in ``zone``."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    try:
        return value.astimezone(zone)
    except OverflowError:  # at the ends of Python's calendar
        return value


def write_lines(
    header: list[str] | None, rows: Iterable[list[str]], least: list[int], screen: Screen
) -> None:
    """Write rows of cells, each column as wide as it needs or as there is room.

    ``rows`` are read twice.
    """
    needed = [0] * len(least) if header is None else [cells(title) for title in header]
    for row in rows:
        for index, cell in enumerate(row):
            needed[index] = max(needed[index], cells(clean(cell)))
    widths = _fitted(
        [min(width, screen.width) for width in needed],
        least,
        screen.width - len(_GAP) * (len(least) - 1),
    )

    def line(row: list[str]) -> str:
        parts = [fitted(clean(cell), width) for cell, width in zip(row, widths, strict=True)]
        return _GAP.join(parts).rstrip()

    if header is not None:
        screen.line(line(header), is_bold=True)
    for row in rows:
        screen.line(line(row))


def _fitted(needed: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return a width for each column: what it needs, the widest ones less if there is no room."""
    widths = list(needed)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda index: widths[index] - least[index])
        if widths[widest] <= max(least[widest], 1):
            break
        widths[widest] -= 1
    return widths


def _plain_columns(result: Result, zone: ZoneInfo) -> list[Column]:
    """Return columns that show those of the result, cut to no less than can be recognised."""
    longest = [len(name) for name in result.columns]
    for row in result.rows:
        for index, value in enumerate(row):
            if longest[index] < _NARROWEST_CELL:
                longest[index] = max(longest[index], len(_cell(value, zone)))

    def column(name: str, length: int) -> Column:
        least = min(_NARROWEST_CELL, length)
        return Column(name, lambda row: _cell(row[name], zone), least=least)

    return [column(name, length) for name, length in zip(result.columns, longest, strict=True)]


def _cell(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return local_time(value, zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if value is None else str(value)


def _plain(value: object, zone: tzinfo) -> str | None:
    """Return a value as text that a program can read back."""
    if value is None:
        return None
    if isinstance(value, datetime):
        text = local_time(value, zone).isoformat(timespec=_timespec(value))
        return text.replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _csv_text(text: str) -> str:
    """Return the field of a text, which starts no formula."""
    if _MAY_BE_FORMULA.search(text) and not _NUMBER.fullmatch(text):
        text = _FORMULA.sub("'", text)
    return _csv_field(text)


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if not text or _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _timespec(value: datetime) -> str:
    return "milliseconds" if value.microsecond else "seconds"
