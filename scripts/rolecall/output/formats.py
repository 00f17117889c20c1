"""Results of queries as tables, CSV and JSON."""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from rolecall.errors import UsageError
from rolecall.result import Result
from rolecall.text import (
    SHAPELESS,
    Screen,
    cells,
    clean,
    fitted,
    is_shown,
    say_data,
    standard_output,
)

FORMATS = ("table", "csv", "json", "parquet")

# A spreadsheet makes a formula of a cell that begins with one of these signs (OWASP, "CSV
# Injection"); some take their full-width and small forms for them, and pass over what is before.
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
# White space, and characters that nobody sees: Unicode's categories Z, Cc and Cf beside what has no
# shape.
_BEFORE_SIGN = (
    r"[ \"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000110bd"
    r"\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    rf"\U000e0000-\U000e0fff{SHAPELESS}]"
)
# No cell may begin with a control character (OWASP ASVS 1.2.10 names tab and NUL). A cell may also
# begin behind another separator: a reader that splits by it does not know the quotes of this file.
_FORMULA = re.compile(
    rf"^(?=[\x00-\x1f\x7f-\x9f\ufeff])|(?:^|(?<=[;|\t\r\n]))(?={_BEFORE_SIGN}*[{_SIGNS}])"
)
_MAY_BE_FORMULA = re.compile(rf"^[{_SIGNS}]|^{_BEFORE_SIGN}|[;|\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_QUOTED = re.compile(r'[,;|"\t\r\n]')
_NARROWEST_CELL = 16
_GAP = " "


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

    def fits(self, width: int) -> bool:
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
        raise UsageError("Parquet is not text: name a file with --output.")
    else:
        _write_parquet(result, standard_output())
    sys.stdout.flush()


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when it is whole, or what is there instead of a file."""
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
        _write_parquet(result, binary)
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


def _write_parquet(result: Result, stream: IO[bytes]) -> None:
    # Here: pyarrow takes time to load, and the Lambda function has none.
    from rolecall.output.parquet import write_parquet

    write_parquet(result, stream)


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

    Decimal numbers have all their digits; what is not a number, or is infinite, is null.
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


@dataclass(frozen=True, slots=True)
class _ResultCells:
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

    More columns than have room side by side are written one below the other. What is not a terminal
    has no width: nothing is cut there, unless COLUMNS sets one.
    """
    screen = Screen(stream)
    if columns is None:
        columns = _plain_columns(result, zone)
    shown = [column for column in columns if column.fits(screen.width)]
    if sum(column.least + len(_GAP) for column in shown) - len(_GAP) <= screen.width:
        write_columns(result, shown, screen)
        return
    always = [column for column in columns if column.below_width is None]
    longest_title = max(len(column.title) for column in always)
    for number, row in enumerate(_ResultCells(result, always), start=1):
        screen.line(f"-- {number} --", is_bold=True)
        facts = [[column.title, cell] for column, cell in zip(always, row, strict=True)]
        write_lines(None, facts, [min(longest_title, screen.width // 2), 1], screen)


def write_columns(result: Result, columns: Sequence[Column], screen: Screen) -> None:
    """Write a result as rows of cells below their titles."""
    titles, least = ([column.title for column in columns], [column.least for column in columns])
    write_lines(titles, _ResultCells(result, columns), least, screen)


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
