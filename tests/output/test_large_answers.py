"""Answers of any type and size: written without loss, and without being in memory as a whole."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from rolecall.output.formats import write
from rolecall.queries.answer import answer_locally
from rolecall.rows import BATCH_ROWS, keep_rows
from rolecall.settings import load_settings
from support.command_line import Rolecall
from support.measured import run_measured

# Each kind of type that DuckDB has, with a value that Python or Parquet has no like of.
_VALUES = {
    "sum_of_bigint": ("select sum(x) from (values (9223372036854775807), (5)) t (x)", 2**63 + 4),
    "ubigint": ("select 18446744073709551615::ubigint", 2**64 - 1),
    "decimal": (
        "select 123456789012345678901234567890.12::decimal(38, 2)",
        Decimal("123456789012345678901234567890.12"),
    ),
    "bignum": ("select 123456789012345678901234567890::bignum", "123456789012345678901234567890"),
    "interval": ("select interval '1 month 2 days'", "1 month 2 days"),
    "bit": ("select '0101'::bit", "0101"),
    "blob": ("select '\\xAA'::blob", "\\xAA"),
    "uuid": (
        "select uuid '6ce124c7-ec84-4bec-9bf1-40798759863c'",
        "6ce124c7-ec84-4bec-9bf1-40798759863c",
    ),
    "enum": ("select 'x'::enum ('x', 'y')", "x"),
    "time": ("select time '10:00:00.5'", "10:00:00.5"),
    "timetz": ("select '10:00:00+01'::timetz", "10:00:00+01"),
    "nanoseconds": (
        "select '2020-01-01 00:00:00.123456789'::timestamp_ns",
        "2020-01-01 00:00:00.123456789",
    ),
    "null": ("select null", None),
    "list": ("select ['a, b', null]", '["a, b",null]'),
    "struct": ("select {'a': [1, 2]}", '{"a":[1,2]}'),
    "map": ("select map {'a': 1}", '{"a":1}'),
    "union": ("select union_value(a := 1)", "1"),
    "variant": ("select 1::variant", "1"),
    "comment": ("select interval 1 day -- the end", "1 day"),
    "semicolon": ("select interval 1 day;", "1 day"),
}


@pytest.mark.parametrize("kind", _VALUES)
def test_parquet_takes_every_type_and_keeps_its_digits(kind: str, tmp_path: Path) -> None:
    sql, value = _VALUES[kind]
    table = _parquet(sql, tmp_path)
    assert table.column(0).to_pylist() == [value]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("date", "5877642-06-24"),
        ("date", "0044-03-15 (BC)"),
        ("date", "0001-01-01"),
        ("timestamp", "290000-01-01 00:00:00.5"),
        ("timestamp", "0044-03-15 (BC) 12:34:56.000789"),
        ("timestamptz", "0044-03-15 (BC) 12:00:00+00"),
        ("timestamptz", "0401-02-29 (BC) 00:00:00+00"),
    ],
)
def test_parquet_takes_times_that_python_has_not(kind: str, text: str, tmp_path: Path) -> None:
    _parquet(f"select a::{kind} from (values ('{text}'), ('2026-03-01'), (null)) t (a)", tmp_path)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.execute(
            f"select a::{kind} = '{text}'::{kind} from read_parquet(?) as kept (a)",
            [str(tmp_path / "x.parquet")],
        ).fetchall()
    assert rows == [(True,), (False,), (None,)]


def _parquet(sql: str, folder: Path) -> Any:
    """Return what a query writes as Parquet."""
    settings = load_settings(database=folder / "none.duckdb")
    duckdb.connect(str(settings.database)).close()
    result = answer_locally(sql, {}, settings).result
    write(result, "parquet", folder / "x.parquet", settings.zone)
    return pq.read_table(folder / "x.parquet")


_MOST_MEMORY = 500_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a command line with a table of 600,000 rows of about a kilobyte each."""
    made = Rolecall(tmp_path_factory.mktemp("large"))
    with duckdb.connect(str(made.database)) as connection:
        connection.execute("create table rolecall_schema as select 3 as version")
        connection.execute(
            """
            create table large as
            select
                number,
                md5(number::varchar) as event_id,
                timestamp '2026-01-01' + to_seconds(number) as event_at,
                repeat('x', 400) || number as user_agent,
                '{"a": "' || repeat('y', 500) || '"}' as request_parameters
            from range(600000) as numbers (number)
            """
        )
    return made


@pytest.mark.parametrize(
    ("format_", "order"),
    [("csv", "number"), ("csv", "user_agent desc"), ("json", "number"), ("parquet", "number")],
)
def test_600_000_rows_take_less_than_500_mb(large: Rolecall, format_: str, order: str) -> None:
    (large.folder / "all.sql").write_text(f"select * from large order by {order}")
    output = large.folder / f"x.{format_}"
    script = Path(sys.executable).parent / "rolecall"
    command: list[str | Path] = [
        script,
        "query",
        "all.sql",
        "--format",
        format_,
        "--output",
        output,
    ]
    done, peak = run_measured(command, large.folder, large.environment)
    assert done.returncode == 0, done.stderr
    assert peak < _MOST_MEMORY
    assert output.stat().st_size > 20_000_000
    output.unlink()


@pytest.mark.parametrize("count", [0, 1, BATCH_ROWS, BATCH_ROWS + 1, 30 * BATCH_ROWS])
def test_rows_are_kept_to_be_read_again(count: int) -> None:
    every = [(number, "x" * 5000) for number in range(count)]
    rows = keep_rows(every[at : at + BATCH_ROWS] for at in range(0, count, BATCH_ROWS))
    assert (len(rows), bool(rows)) == (count, bool(count))
    first = iter(rows)
    assert [next(first) for _ in every[:2]] == every[:2]
    assert list(rows) == every  # while another reads them
    assert list(first) == every[2:]
