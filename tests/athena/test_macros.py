"""Macros that a unit test of dbt has to put a value in the place of: both engines run them here.

They tell a raw record's log file from its path, and what a load takes of the logs: the local reader
on one side, SQL on the other. The same files lie in a folder and in a bucket.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local_athena.account import CONSOLE_2020, Account, Warehouse
from rolecall.local.log_source import LogSource
from support.command_line import PROJECT
from support.logs import event
from support.macros_alone import answer_in, answer_of

pytestmark = pytest.mark.xdist_group("athena")

_NAME = "macros"
_FIRST, _SECOND = (
    f"AWSLogs/{place}/CloudTrail/us-east-1/2026/03/0{day}/"
    f"111122223333_CloudTrail_us-east-1_2026030{day}T0005Z_a1B2c3D4e5F6g7H8.json.gz"
    for day, place in ((1, "111122223333"), (2, "o-a1b2c3d4e5/111122223333"))
)
_DONE = _FIRST.replace("a1B2c3D4e5F6g7H8", "done")
_LAST = _FIRST.replace("03/01", "03/04")
_FAR, _NEVER = (
    _FIRST.replace("2026/03/01", day).replace("20260301T", f"{day.replace('/', '')}T")
    for day in ("9999/12/31", "2012/12/31")
)
_LOOSE = "copies/444455556666_CloudTrail_eu-central-1_20260303T0005Z_a1B2c3D4e5F6g7H8.json.gz"
# By the place of each below the root: what its path tells is its log file, account, region and day.
_PLACES = {
    _FIRST: (_FIRST, "111122223333", "us-east-1", date(2026, 3, 1)),
    f"mirror/{_SECOND}": (_SECOND, "111122223333", "us-east-1", date(2026, 3, 2)),
    _LAST: (_LAST, "111122223333", "us-east-1", date(2026, 3, 4)),
    _LOOSE: (_LOOSE, "444455556666", "eu-central-1", date(2026, 3, 3)),
    # No log is of such a day: it is that of its newest record.
    _FAR: (_FAR, "111122223333", "us-east-1", None),
    _NEVER: (_NEVER, "111122223333", "us-east-1", None),
    "copies/records.json": ("copies/records.json", None, None, None),
}
_NOT_TO_READ = (
    _DONE,
    _FIRST.replace("CloudTrail", "CloudTrail-Digest"),
    _FIRST.replace("CloudTrail", "CloudTrail-Insight"),
)
# A file that could not be read is tried again.
_LEDGER = ((_DONE, "loaded"), (_FIRST, "unreadable"))
_MACROS = (
    *("log_file", "log_file_account", "log_file_region", "log_file_delivered_date"),
    *("is_unread", "load_id", "is_of_this_slice"),
)
_TEMPLATE = "ANSWER{{ tojson({" + ", ".join(f"'{name}': {name}()" for name in _MACROS) + "}) }}"
_SELECTED = ", ".join(f"{{{name}}}" for name in (*_MACROS[:4], "load_id"))


@pytest.fixture(scope="module")
def warehouse(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a warehouse with the files in a bucket, a ledger, and staging of a whole table."""
    for number, key in enumerate((*_PLACES, *_NOT_TO_READ)):
        account.put_log(_NAME, key, [event(number)])
    account.create_table(f"default.{_NAME}", _NAME, CONSOLE_2020)
    account.query(f"create schema {_NAME}")
    done = ", ".join(f"('{key}', '{status}')" for key, status in _LEDGER)
    account.query(
        f"create view {_NAME}.log_reads as"
        " select log_file, status, date '2026-03-01' as delivered_date"
        f" from (values {done}) as ledger (log_file, status)"
    )
    staged = ", ".join(f"('{key}', date '{day}')" for key, _, _, day in _PLACES.values() if day)
    account.query(
        f"create view {_NAME}.stg_cloudtrail__events as"
        f" select log_file, delivered_date from (values {staged}) as staged"
        " (log_file, delivered_date)"
    )
    return Warehouse(account, _NAME, _NAME, tmp_path_factory.mktemp(_NAME))


@pytest.fixture(scope="module")
def rendered(warehouse: Warehouse) -> dict[str, Any]:
    """Return the SQL of each macro on Athena, rendered with that warehouse to ask."""
    return answer_in(warehouse.dbt(PROJECT, "compile", "--inline", _TEMPLATE, slice_days=2))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a database with the same files as its source, and the same ledger."""
    logs = tmp_path_factory.mktemp("logs")
    for number, key in enumerate((*_PLACES, *_NOT_TO_READ)):
        body = json.dumps({"Records": [event(number)]}).encode()
        (logs / key).parent.mkdir(parents=True, exist_ok=True)
        (logs / key).write_bytes(gzip.compress(body) if key.endswith(".gz") else body)
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as rolecall")
    connection.execute(
        "create table rolecall.log_reads (log_file text, status text, problem text,"
        " size_bytes bigint, modified_at timestamp, load_id text, loaded_at timestamp,"
        " log_root text, rejected_record_count bigint)"
    )
    for key, status in _LEDGER:
        file = (logs / key).stat()
        connection.execute(
            "insert into rolecall.log_reads values"
            " (?, ?, null, ?, make_timestamp(?), 'a', '2026-03-05', ?, 0)",
            [key, status, file.st_size, file.st_mtime_ns // 1000, str(logs)],
        )
    LogSource.create_views(connection)
    LogSource(logs).register(connection, connection)
    yield connection
    connection.close()


def test_athena_tells_files_by_their_paths_and_takes_those_that_no_load_has(
    warehouse: Warehouse, rendered: dict[str, Any]
) -> None:
    rows = warehouse.rows(
        f"select {_SELECTED.format(**rendered)} from default.{_NAME} where {rendered['is_unread']}"
    )
    assert _told(rows) == _expected()
    _check_load_ids(rows)


def test_the_local_reader_tells_and_takes_the_same(
    local: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sql = answer_of(_TEMPLATE, tmp_path, target="local")
    rows = local.execute(
        f"select {_SELECTED.format(**sql)} from logs.main.unread_cloudtrail_logs"
        f" where {sql['is_unread']} and {sql['is_of_this_slice']}"
    ).fetchall()
    assert _told(rows) == _expected()
    _check_load_ids(rows)


def test_of_staging_athena_takes_the_oldest_days_of_what_is_not_done(
    warehouse: Warehouse, rendered: dict[str, Any]
) -> None:
    """Two days in a slice, and none of a file that is loaded."""
    rows = warehouse.rows(
        f"select log_file from stg_cloudtrail__events where {rendered['is_of_this_slice']}"
    )
    assert sorted(rows) == sorted([[_FIRST], [_SECOND]])


def _told(rows: Any) -> list[tuple[str | None, ...]]:
    return sorted(
        (tuple(None if cell is None else str(cell) for cell in row[:4]) for row in rows), key=str
    )


def _expected() -> list[tuple[str | None, ...]]:
    return _told([*_PLACES.values()])


def _check_load_ids(rows: Any) -> None:
    """Check that all rows have one: dbt's invocation, and the slice of it."""
    (load_id,) = {row[4] for row in rows}
    invocation, slice_ = load_id.split("/")
    assert (len(invocation), slice_) == (36, "1")
