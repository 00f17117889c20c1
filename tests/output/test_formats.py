"""Results as tables, CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from rolecall.errors import RolecallError, UsageError
from rolecall.output.formats import write, write_csv, write_json, write_table
from rolecall.result import Result
from support.command_line import Unprivileged

ZONE = ZoneInfo("UTC")
TOKYO = ZoneInfo("Asia/Tokyo")

# Full-width =, +, - and @, their small forms, and the minus of mathematics.
FORMS_OF_SIGNS = "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"

RESULT = Result(
    ["at", "name", "number", "flag", "day"],
    ["timestamp", "text", "bigint", "boolean", "date"],
    [
        (datetime(2026, 4, 30, 21, 47, 19), 'bob, "the\nbuilder"', 3, True, date(2026, 4, 30)),
        (None, "", -1, False, None),
        (datetime(2026, 1, 1, 0, 0, 0, 5000), None, None, None, None),
    ],
)


def _csv(result: Result, zone: ZoneInfo = ZONE) -> str:
    stream = io.StringIO()
    write_csv(result, stream, zone)
    return stream.getvalue()


def test_csv_keeps_null_and_empty_text_apart() -> None:
    assert _csv(RESULT) == (
        "at,name,number,flag,day\n"
        '2026-04-30T21:47:19Z,"bob, ""the\nbuilder""",3,true,2026-04-30\n'
        ',"",-1,false,\n'
        "2026-01-01T00:00:00.005Z,,,,\n"
    )
    assert next(csv.reader(io.StringIO(_csv(RESULT))))[0] == "at"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_starts_no_formula(start: str) -> None:
    text = _csv(Result(["name"], ["text"], [(f"{start}cmd|' /C calc'!A0",)]))
    (cell,) = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert cell == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("start", ["\0", "\x1f", "\x9b", "\ufeff", *FORMS_OF_SIGNS])
def test_csv_starts_nothing_that_some_take_for_a_formula(start: str) -> None:
    (cell,) = list(csv.reader(io.StringIO(_csv(Result(["n"], ["text"], [(f"{start}1+1",)])))))[1]
    assert cell == f"'{start}1+1"


def test_csv_starts_no_formula_behind_what_nobody_sees() -> None:
    """A spreadsheet may strip white space and what it does not draw, as str.strip() does."""
    unseen = [
        chr(number)
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) in ("Zs", "Zl", "Zp", "Cc", "Cf")
    ]
    result = Result(["t"], ["text"], [(f"{character}=1+1",) for character in unseen])
    cells = [row[0] for row in csv.reader(io.StringIO(_csv(result), newline=""))][1:]
    assert [cell for cell in cells if not re.match(r"'|[\t\r\n]?'=", cell)] == []


@pytest.mark.parametrize("before", ["", " ", '"', ' "', "\u3000", "\0"])
@pytest.mark.parametrize("separator", [";", "\t", "|", "\n", "\r\n", "\r", ","])
def test_csv_starts_no_formula_whatever_separates_cells(separator: str, before: str) -> None:
    text = f"x{separator}{before}=cmd|' /C calc'!A0"
    result = Result(["id", text], ["bigint", "text"], [(1, text), (2, "y"), (3, None)])
    for delimiter in ",;\t|":
        for row in csv.reader(io.StringIO(_csv(result), newline=""), delimiter=delimiter):
            for cell in row:
                assert not cell.lstrip(' "\u3000\0').startswith("=")


def test_csv_leaves_text_that_starts_no_formula() -> None:
    told = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:1)",
        "a-b=c+d@e",
        "x; -",
        "-1.5",
        "+44",
        "1;2",
        " a",
    ]
    result = Result(["t"], ["text"], [(text,) for text in told])
    assert [row[0] for row in csv.reader(io.StringIO(_csv(result)))][1:] == [
        text if text != "x; -" else "x;' -" for text in told
    ]


@pytest.mark.parametrize(
    "text", ["\n" * 500_000, "; " * 250_000, ";" + " " * 500_000, "\0" * 500_000]
)
def test_csv_takes_time_by_the_length_of_a_cell(text: str) -> None:
    """Should it be by its square, this takes hours."""
    assert len(_csv(Result(["t"], ["text"], [(text,)]))) >= len(text)


def test_csv_leaves_numbers_alone() -> None:
    assert _csv(Result(["n", "t"], ["double", "text"], [(-1.5, "-1.5")])) == "n,t\n-1.5,-1.5\n"


def test_json_has_one_object_a_row() -> None:
    stream = io.StringIO()
    write_json(RESULT, stream, TOKYO)
    rows = json.loads(stream.getvalue())
    assert rows[0] == {
        "at": "2026-05-01T06:47:19+09:00",
        "name": 'bob, "the\nbuilder"',
        "number": 3,
        "flag": True,
        "day": "2026-04-30",
    }
    assert rows[1]["at"] is None
    assert rows[1]["name"] == ""


def test_an_empty_result_is_an_empty_list() -> None:
    stream = io.StringIO()
    write_json(Result(["a"], ["text"], []), stream, ZONE)
    assert json.loads(stream.getvalue()) == []


def test_json_has_null_for_what_is_not_a_number() -> None:
    values = [float("nan"), float("inf"), float("-inf"), Decimal("NaN"), 1.5]
    result = Result(["n"], ["double"], [(value,) for value in values])
    stream = io.StringIO()
    write_json(result, stream, ZONE)
    assert [row["n"] for row in json.loads(stream.getvalue(), parse_constant=_no_json)] == [
        *(None, None, None, None, 1.5)
    ]


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def test_json_keeps_digits_and_escapes_what_is_not_shown() -> None:
    number = Decimal("12345678901234567890123456789012345678.90")
    hostile = "\x1b\x9b\u202e\u2028\U000e0041山\n"
    stream = io.StringIO()
    types = ["decimal(40,2)", "hugeint", "text"]
    write_json(Result(["d", "h", "t"], types, [(number, 2**70, hostile)]), stream, ZONE)
    text = stream.getvalue()
    assert [char for char in text if not char.isprintable()] == ["\n"] * 3
    assert json.loads(text, parse_float=Decimal) == [{"d": number, "h": 2**70, "t": hostile}]


def test_times_at_the_ends_of_the_calendar_are_told() -> None:
    result = Result(
        ["t"],
        ["timestamp"],
        [(datetime.max.replace(microsecond=0),), ("0044-03-15 (BC) 12:00:00",)],
    )
    assert _csv(result, TOKYO).splitlines()[1:] == [
        "9999-12-31T23:59:59Z",
        "0044-03-15 (BC) 12:00:00",
    ]


def test_a_time_with_a_zone_is_that_instant() -> None:
    at = datetime(2026, 1, 1, 9, tzinfo=TOKYO)
    assert _csv(Result(["t"], ["timestamp"], [(at,)])) == "t\n2026-01-01T00:00:00Z\n"


def test_parquet_keeps_types(tmp_path: Path) -> None:
    write(RESULT, "parquet", tmp_path / "x.parquet", ZONE)
    table = pq.read_table(tmp_path / "x.parquet")
    assert [str(field.type) for field in table.schema] == [
        "timestamp[us, tz=UTC]",
        "string",
        "int64",
        "bool",
        "date32[day]",
    ]
    assert table["at"][0].as_py() == datetime(2026, 4, 30, 21, 47, 19, tzinfo=UTC)
    assert table["name"].to_pylist()[1:] == ["", None]
    write(Result(["a"], ["text"], []), "parquet", tmp_path / "empty.parquet", ZONE)
    assert pq.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_parquet_has_numbers_of_any_length(tmp_path: Path) -> None:
    """As text, where Parquet's numbers have too few digits for one in the column."""
    for largest, values in ((10**38 - 1, Decimal), (2**127 - 1, str)):
        rows = [(largest,), (None,), (-1,)]
        write(Result(["n"], ["hugeint"], rows), "parquet", tmp_path / "x.parquet", ZONE)
        read = pq.read_table(tmp_path / "x.parquet")["n"].to_pylist()
        assert read == [values(largest), None, values(-1)]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write(RESULT, "csv", tmp_path / "x.csv", ZONE)
    assert (tmp_path / "x.csv").read_bytes().decode() == _csv(RESULT)
    with pytest.raises(UsageError, match=r"Cannot write .*: No such file or directory"):
        write(RESULT, "csv", tmp_path / "missing" / "x.csv", ZONE)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_file_is_its_owner_s_alone_unless_it_was_there(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for format_ in ("csv", "json", "parquet", "table"):
            write(RESULT, format_, tmp_path / format_, ZONE)
            assert (tmp_path / format_).stat().st_mode & 0o777 == 0o600
        (tmp_path / "csv").chmod(0o640)
        write(RESULT, "csv", tmp_path / "csv", ZONE)
        assert (tmp_path / "csv").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


def test_no_link_is_followed_and_none_left(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "precious").chmod(0o644)
    for name in (".x.csv.part", "x.csv"):
        (tmp_path / name).symlink_to(tmp_path / "precious")
    write(RESULT, "csv", tmp_path / "x.csv", ZONE)
    assert (tmp_path / "x.csv").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "x.csv").read_bytes().decode() == _csv(RESULT)
    assert {path.name for path in tmp_path.iterdir()} == {"x.csv", "precious"}


def test_what_is_not_a_file_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(RESULT, "csv", pipe, ZONE)
    assert os.read(reader, 65536).decode() == _csv(RESULT)
    os.close(reader)
    assert pipe.is_fifo()


def test_a_folder_that_cannot_be_written_is_told(
    open_folder: Path, unprivileged: Unprivileged
) -> None:
    open_folder.chmod(0o555)
    with unprivileged(), pytest.raises(UsageError, match=r"Cannot write .*: Permission denied"):
        write(RESULT, "csv", open_folder / "x.csv", ZONE)
    assert not list(open_folder.iterdir())


def test_an_answer_that_fails_leaves_no_file(tmp_path: Path) -> None:
    result = Result(["n"], ["ubigint"], [(-1,)])
    with pytest.raises(RolecallError, match="The column n has a value that Parquet has no ubigint"):
        write(result, "parquet", tmp_path / "x", ZONE)
    assert not list(tmp_path.iterdir())


def _table(result: Result, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = io.StringIO()
    write_table(result, stream, ZONE)
    return stream.getvalue().splitlines()


def test_a_table_cuts_with_an_ellipsis(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Result(["a", "b"], ["text", "text"], [("x" * 30, "y" * 30), ("short", "[red]")])
    assert _table(result, 40, monkeypatch) == [
        "a" + " " * 19 + "b",
        "x" * 18 + "… " + "y" * 19 + "…",
        "short" + " " * 15 + "[red]",
    ]


def test_wide_characters_take_two_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Result(["name", "b"], ["text", "text"], [("山田太郎" * 4, "x")])
    header, line = _table(result, 20, monkeypatch)
    assert line.startswith("山田太郎山田太郎") and "…" in line
    assert header.index("b") == 19


def test_too_many_columns_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"column_{number}" for number in range(20)]
    result = Result(names, ["text"] * 20, [tuple("v" * 100 for _ in names)] * 2)
    lines = _table(result, 60, monkeypatch)
    assert lines[0] == "-- 1 --"
    assert lines[1] == "column_0  " + "v" * 49 + "…"
    assert len(lines) == 42
    assert max(map(len, lines)) == 60


def test_control_characters_do_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Result(["a"], ["text"], [("x\x1b[2Jy\nz",)])
    assert _table(result, 40, monkeypatch)[1] == "x\ufffd[2Jy\ufffdz"


def test_what_is_not_a_terminal_cuts_nothing() -> None:
    stream = io.StringIO()
    write_table(Result(["a"], ["text"], [("x" * 500,)]), stream, ZONE)
    assert "x" * 500 in stream.getvalue()
