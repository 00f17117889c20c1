"""Results as tables, CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from rolecall.errors import UsageError
from rolecall.output import Result, write, write_csv, write_json, write_table

ZONE = ZoneInfo("UTC")
TOKYO = ZoneInfo("Asia/Tokyo")

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


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write(RESULT, "csv", tmp_path / "x.csv", ZONE)
    assert (tmp_path / "x.csv").read_bytes().decode() == _csv(RESULT)
    with pytest.raises(UsageError, match=r"Cannot write .*: No such file or directory"):
        write(RESULT, "csv", tmp_path / "missing" / "x.csv", ZONE)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


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


def test_what_is_no_terminal_cuts_nothing() -> None:
    stream = io.StringIO()
    write_table(Result(["a"], ["text"], [("x" * 500,)]), stream, ZONE)
    assert "x" * 500 in stream.getvalue()
