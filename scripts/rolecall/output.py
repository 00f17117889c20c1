"""Results of queries as tables, CSV, JSON and Parquet."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rolecall.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

FORMATS = ("table", "csv", "json", "parquet")

# Of these a spreadsheet makes a formula when they begin a cell (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NARROWEST_CELL = 16
_UNBOUNDED_WIDTH = 10_000
_GAP = " "


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query: ``types`` are text, bigint, double, boolean, date or timestamp (UTC)."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


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

    ``columns`` says how a table shows the result; other formats have all its columns.
    """
    result = replace(result, columns=_distinct(result.columns))
    if output is None:
        if format_ == "parquet" and sys.stdout.isatty():
            raise UsageError("Parquet is no text: name a file with --output.")
        _write_to(result, format_, sys.stdout, sys.stdout.buffer, zone, columns)
        sys.stdout.flush()
        return
    from rolecall.files import new_file

    # Written beside its place and renamed: a file that is there is whole.
    draft = output.with_name(f".{output.name}.part")
    try:
        with new_file(draft) as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8", newline="", write_through=True)
            _write_to(result, format_, text, binary, zone, columns)
            text.flush()
            text.detach()
        draft.replace(output)
    except OSError as error:
        raise UsageError(f"Cannot write {output}: {error.strerror or error}.") from None
    finally:
        draft.unlink(missing_ok=True)


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
    text: IO[str],
    binary: IO[bytes],
    zone: ZoneInfo,
    columns: Sequence[Column] | None,
) -> None:
    if format_ == "csv":
        write_csv(result, text, zone)
    elif format_ == "json":
        write_json(result, text, zone)
    elif format_ == "parquet":
        write_parquet(result, binary)
    else:
        write_table(result, text, zone, columns)


def write_csv(result: Result, stream: IO[str], zone: ZoneInfo) -> None:
    """Write CSV (RFC 4180): NULL is an empty field, '' is ``""``; no cell starts a formula."""
    stream.write(",".join(map(_csv_field, result.columns)) + "\n")
    for row in result.rows:
        stream.write(",".join(_csv_field(_plain(value, zone)) for value in row) + "\n")


def write_json(result: Result, stream: IO[str], zone: ZoneInfo) -> None:
    """Write an array with one object a row; timestamps are ISO 8601 with the zone's offset."""
    stream.write("[")
    for number, named in enumerate(plain_rows(result, zone)):
        stream.write(",\n " if number else "\n ")
        stream.write(json.dumps(named, ensure_ascii=False))
    stream.write("\n]\n" if result.rows else "]\n")


def plain_rows(result: Result, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return rows as objects of JSON; timestamps are ISO 8601 with the zone's offset."""
    return [
        {column: json_value(value, zone) for column, value in zip(result.columns, row, strict=True)}
        for row in result.rows
    ]


def write_parquet(result: Result, stream: IO[bytes]) -> None:
    """Write one Parquet file; timestamps are in microseconds, UTC."""
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(result), stream)


def arrow_table(result: Result) -> pa.Table:
    """Return a result as an Arrow table; timestamps are in microseconds, UTC."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    columns = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
    arrays = [
        pa.array(column, type=types[kind])
        for column, kind in zip(columns, result.types, strict=True)
    ]
    return pa.table(arrays, names=list(result.columns))


def write_table(
    result: Result, stream: IO[str], zone: ZoneInfo, columns: Sequence[Column] | None = None
) -> None:
    """Write a table that fits the terminal: what does not fit is cut, and ends in an ellipsis.

    More columns than have room side by side are written one below the other. What is no terminal
    has no width: nothing is cut there, unless COLUMNS sets one.
    """
    console = console_for(stream)
    named = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    if columns is None:
        columns = [_plain_column(name, named, zone) for name in result.columns]
    shown = [column for column in columns if column.has_place(console.width)]
    if sum(column.least + len(_GAP) for column in shown) - len(_GAP) <= console.width:
        write_lines(
            [column.title for column in shown],
            [[column.shows(row) for column in shown] for row in named],
            [column.least for column in shown],
            console,
        )
        return
    for number, row in enumerate(named, start=1):
        console.print(f"-- {number} --", style="bold")
        cells = [
            [column.title, column.shows(row)] for column in columns if column.below_width is None
        ]
        longest_title = max(len(title) for title, _ in cells)
        write_lines(None, cells, [min(longest_title, console.width // 2), 1], console)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with what it counts: `1 event`, `2 events`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def json_value(value: object, zone: tzinfo) -> str | int | float | bool | None:
    """Return a value as JSON has it: timestamps and days are ISO 8601."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _plain(value, zone)


def instant(value: datetime, zone: tzinfo) -> datetime:
    """Return a UTC timestamp without a zone as an instant in ``zone``."""
    return value.replace(tzinfo=UTC).astimezone(zone)


def console_for(stream: IO[str]) -> Console:
    """Return a console as wide as the terminal; what is no terminal has no width."""
    from rich.console import Console

    return Console(file=stream, width=_width(stream), highlight=False)


def write_lines(
    header: list[str] | None, rows: list[list[str]], least: list[int], console: Console
) -> None:
    """Write rows of cells, each column as wide as it needs or as there is room."""
    from rich.cells import cell_len
    from rich.text import Text

    rows = [[one_line(cell) for cell in row] for row in rows]
    lines = rows if header is None else [header, *rows]
    needed = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    widths = _fitted(needed, least, console.width - len(_GAP) * (len(least) - 1))
    for number, line in enumerate(lines):
        text = Text(style="bold" if header is not None and number == 0 else "")
        for cell, width in zip(line, widths, strict=True):
            part = Text(cell)  # Text, not markup: a name may have brackets.
            part.truncate(width, overflow="ellipsis", pad=True)
            text.append_text(part).append(_GAP)
        text.rstrip()
        console.print(text, no_wrap=True, crop=False, overflow="ignore")


def _fitted(needed: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return a width for each column: what it needs, the widest ones less if there is no room."""
    widths = list(needed)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda index: widths[index] - least[index])
        if widths[widest] <= max(least[widest], 1):
            break
        widths[widest] -= 1
    return widths


def _width(stream: IO[str]) -> int | None:
    """Return the width to use, None for rich to find out."""
    if stream.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return None
    return _UNBOUNDED_WIDTH


def _plain_column(name: str, rows: Sequence[dict[str, Any]], zone: ZoneInfo) -> Column:
    """Return a column that shows one of the result, cut to no less than can be recognised."""
    longest = max((len(_cell(row[name], zone)) for row in rows), default=0)
    least = min(_NARROWEST_CELL, max(longest, len(name)))
    return Column(name, lambda row: _cell(row[name], zone), least=least)


def _cell(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return instant(value, zone).strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def one_line(text: str) -> str:
    """Return ``text`` without control characters, which could move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _plain(value: object, zone: tzinfo) -> str | None:
    """Return a value as text that a program can read back."""
    if value is None:
        return None
    if isinstance(value, datetime):
        text = instant(value, zone).isoformat(timespec=_timespec(value))
        return text.replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if text.startswith(_FORMULA_STARTS) and not _is_number(text):
        text = "'" + text
    if not text or any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _timespec(value: datetime) -> str:
    return "milliseconds" if value.microsecond else "seconds"
