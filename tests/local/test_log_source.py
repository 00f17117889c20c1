"""The local source: what DuckDB sees of the log files, and what it takes to see it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from rolecall.local import log_files as logs
from rolecall.local import log_reader, record_batches, record_view
from rolecall.local.ledger import sorted_log_files
from rolecall.local.log_records import Records
from rolecall.local.log_source import LogSource
from support.command_line import PROJECT
from support.logs import WriteLog, event


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as rolecall")
        LogSource.create_views(connection)
        connection.execute("use logs")
        yield connection


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each file is opened."""
    counts: Counter[str] = Counter()
    read_records = log_reader.read_records

    def counting(file: logs.LogFile, max_bytes: int) -> Records:
        counts[file.log_file] += 1
        return read_records(file, max_bytes)

    monkeypatch.setattr(record_batches, "read_records", counting)
    return counts


def test_a_log_file_is_opened_by_a_scan_alone_and_once(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog, opened: Counter[str]
) -> None:
    write_log([event(1)], name="a.json.gz")
    logs = write_log([event(2), event(3)], name="b.json.gz")
    LogSource(logs).register(connection, connection)
    connection.execute("describe unread_cloudtrail_logs")
    connection.execute("explain select eventid from unread_cloudtrail_logs")
    assert not opened
    rows = connection.execute("select eventid from unread_cloudtrail_logs order by 1").fetchall()
    assert [row[0][-1] for row in rows] == ["1", "2", "3"]
    assert set(opened.values()) == {1}


def test_the_raw_columns_are_those_of_the_athena_table(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog
) -> None:
    logs = write_log(
        [
            event(
                1,
                userIdentity={"type": "IAMUser", "sessionContext": {"attributes": {}}},
                resources=[{"ARN": "arn:aws:s3:::b", "accountId": "1", "type": "AWS::S3::Bucket"}],
                readOnly=True,
                requestParameters={"n": 12345678901234567890123, "Tag": 1, "tag": 2},
                additionalEventData=None,
            )
        ]
    )
    LogSource(logs).register(connection, connection)
    row = connection.execute(
        """
        select
            useridentity.type, useridentity.arn, useridentity.sessioncontext.sessionissuer.arn,
            resources[1].arn, readonly, requestparameters, additionaleventdata,
            "$path", log_file, account, region, delivered_date
        from cloudtrail_logs
        """
    ).fetchall()[0]
    assert row[:7] == (
        "IAMUser",
        None,
        None,
        "arn:aws:s3:::b",
        "true",
        '{"n":12345678901234567890123,"Tag":1,"tag":2}',
        None,
    )
    assert Path(row[7]).is_file()
    assert row[8].startswith("AWSLogs/111122223333/")
    assert (row[9], row[10], str(row[11])) == ("111122223333", "us-east-1", "2026-03-01")


def test_a_record_that_is_not_an_object_is_a_row_of_nulls(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog
) -> None:
    logs = write_log([event(1), 17, None, "text", [1], {}])
    LogSource(logs).register(connection, connection)
    counts = connection.execute("select count(*), count(eventid) from cloudtrail_logs").fetchall()
    assert counts == [(6, 1)]


def test_a_batch_holds_many_small_files(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "_BATCH_BYTES", 1000)
    for number in range(30):
        folder = write_log([event(number), event(1000 + number)], name=f"{number}.json.gz")
    LogSource(folder).register(connection, connection)
    rows = connection.execute(
        "select count(*), count(distinct eventid), count(distinct log_file) from cloudtrail_logs"
    ).fetchall()
    assert rows == [(60, 60, 30)]


def test_files_that_the_ledger_has_as_done_are_left_out(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog, opened: Counter[str]
) -> None:
    logs = write_log([event(1)], name="done.json.gz")
    write_log([event(2)], name="changed.json.gz")
    write_log(name="empty.json.gz")
    write_log(body=b"broken", name="broken.json.gz")
    source = LogSource(logs)
    source.register(connection, connection)
    connection.execute("create temp table s as select * from unread_cloudtrail_logs")
    connection.execute(
        """
        create table rolecall.main.log_reads as
        select
            *,
            'first' as load_id,
            timestamp '2026-03-01 00:00:00' as loaded_at,
            0::bigint as rejected_record_count
        from cloudtrail_log_reads
        """
    )
    assert connection.execute(
        "select status, count(*) from cloudtrail_log_reads group by 1 order by 1"
    ).fetchall() == [("empty", 1), ("loaded", 2), ("unreadable", 1)]
    write_log([event(2), event(3)], name="changed.json.gz")
    opened.clear()
    rows = connection.execute("select eventid from unread_cloudtrail_logs").fetchall()
    assert [row[0][-1] for row in rows] == ["2", "3"]
    assert {key.rpartition("/")[2] for key in opened} == {"changed.json.gz", "broken.json.gz"}


def test_a_slice_narrows_what_is_unread_and_hears_of_each_file(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog, opened: Counter[str]
) -> None:
    write_log([event(1)], name="a.json.gz")
    logs_folder = write_log([event(2)], name="b.json.gz")
    first, second = sorted(logs.find_log_files(logs_folder), key=lambda file: file.log_file)
    heard: list[str] = []
    source = LogSource(files=[second], on_read=lambda read: heard.append(read.file.log_file))
    source.register(connection, connection)
    rows = connection.execute("select eventid from unread_cloudtrail_logs").fetchall()
    assert [row[0][-1] for row in rows] == ["2"]
    assert heard == [second.log_file]
    assert first.log_file not in opened


def test_a_name_that_is_not_utf8_is_stored_as_text(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = json.dumps([event(1)]).encode()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.json")).write_bytes(text)
    LogSource(tmp_path).register(connection, connection)
    rows = connection.execute('select log_file, "$path" from unread_cloudtrail_logs').fetchall()
    assert rows == [(r"bad\xff.json", rf"{tmp_path}/bad\xff.json")]


def test_a_file_that_vanishes_while_others_are_read_is_named(
    connection: duckdb.DuckDBPyConnection, write_log: WriteLog
) -> None:
    folder = write_log([event(1)], name="a.json.gz")
    write_log([event(2)], name="b.json.gz")
    source = LogSource(files=sorted_log_files([folder]))
    (path,) = folder.rglob("a.json.gz")
    path.unlink()
    source.register(connection, connection)
    rows = connection.execute("select eventid[-1:] from unread_cloudtrail_logs").fetchall()
    assert rows == [("2",)]
    reads = connection.execute("select status, problem from cloudtrail_log_reads order by 1")
    assert reads.fetchall() == [
        ("loaded", None),
        ("unreadable", "the file vanished before it could be read"),
    ]


def test_the_source_knows_the_sign_in_events_whose_outcome_the_rules_read() -> None:
    macro = (PROJECT / "macros" / "rules" / "sign_in_outcome.sql").read_text(encoding="utf-8")
    (names,) = re.findall(r"set names = \[(.+?)\]", macro, re.DOTALL)
    assert sorted(re.findall(r"'(\w+)'", names)) == sorted(record_view._SIGN_IN_EVENTS)
