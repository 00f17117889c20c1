"""Whatever is in a folder of logs costs itself alone, and no more memory or time than stated."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from rolecall.local import json_parts, log_reader, log_records, record_batches
from rolecall.local.json_parts import MAX_RECORDS, Record, UnreadableLogError
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from rolecall.local.log_records import MAX_RECORD_BYTES, MAX_RESOURCES
from rolecall.local.log_source import LogSource
from rolecall.local.record_batches import FileRead
from rolecall.local.yaml_text import MAX_YAML_BYTES, MAX_YAML_PARTS
from rolecall.memory import MemoryParts
from support.command_line import PROJECT, Rolecall
from support.logs import WriteLog, event
from support.measured import run_measured

GOOD = "111122223333_CloudTrail_us-east-1_20260301T0000Z_good.json.gz"
MEMORY_BYTES, MOST_RSS_BYTES = 900_000_000, 1_200_000_000
DEEP = b"[" * 1500 + b"]" * 1500


def _packed(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


def _text(*records: Any) -> bytes:
    return json.dumps({"Records": records}).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":' + DEEP + b',"\\q":1}', id="a bad key"),
        pytest.param(b'{"a":' + DEEP + b",[1]:2}", id="a key that is a list"),
        pytest.param(b'{"a":' + DEEP + b',"b"}', id="a key without a value"),
        pytest.param(b'{"detail":' + DEEP + b"}", id="no record"),
    ],
)
def test_a_deep_fault_costs_its_file_alone(
    rolecall: Rolecall, write_log: WriteLog, body: bytes
) -> None:
    write_log([event(1)], name=GOOD)
    text = rolecall.refresh(write_log(body=_packed(body), name="bad.json.gz"))
    assert "Loaded 1 log file: 1 new event." in text
    assert "bad.json.gz: the file " in text


@pytest.mark.parametrize(
    "error", [RecursionError(), MemoryError(), ValueError("a\nfault"), KeyError("\x1b[2J")]
)
def test_whatever_a_reader_raises_is_a_problem_of_the_file(
    write_log: WriteLog, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(body: bytes) -> list[Record]:
        raise error

    monkeypatch.setattr(log_reader, "parse_records", failing)
    (file,) = find_log_files(write_log([event(1)]))
    with pytest.raises(UnreadableLogError) as raised:
        read_records(file)
    assert str(raised.value).isprintable()


def test_a_record_may_be_named_like_a_log() -> None:
    """A record that has a list of Records beside its own members is an event all the same."""
    alone = json.dumps(event(1) | {"Records": []}).encode()
    assert [bytes(record) for record in log_records.parse_records(alone)] == [alone]
    with_others = json.dumps(event(1) | {"Records": [event(2)]}).encode()
    assert len(log_records.parse_records(with_others)) == 2
    assert len(log_records.parse_records(alone + b"\n" + alone)) == 2
    assert log_records.parse_records(b'{"Records":[],"nextToken":null}') == []


def test_a_deep_line_costs_no_other_line(rolecall: Rolecall, write_log: WriteLog) -> None:
    deep = json.dumps(event(1, requestParameters="deep")).replace('"deep"', "[" * 3000 + "]" * 3000)
    lines = "\n".join((deep, json.dumps(event(2)), json.dumps(event(3))))
    assert "3 new events" in rolecall.refresh(write_log(body=lines.encode(), name="lines.json"))


def test_a_record_that_is_too_large_is_rejected_and_named(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    def sized(number: int, size: int) -> dict[str, Any]:
        empty = len(json.dumps(event(number, requestParameters={"a": ""})))
        return event(number, requestParameters={"a": "x" * (size - empty)})

    many = [{"ARN": "a"}] * MAX_RESOURCES
    records = [
        event(1),
        sized(2, MAX_RECORD_BYTES),
        sized(3, MAX_RECORD_BYTES + 1),
        event(4, resources=many),
        event(5, resources=[*many, {}]),
        event(6, userAgent="x" * 2 * MAX_RECORD_BYTES),
        17,
    ]
    folder = write_log(records, name=GOOD)
    text = rolecall.run("refresh", "--logs", folder, "--strict", exit_code=3).stdout
    assert "Rejected 1 record without a valid time in AWSLogs/" in text
    assert "Rejected 3 records above 1 MB in AWSLogs/" in text
    assert GOOD in text
    assert rolecall.query("select right(event_id, 1) from events order by 1") == [
        ("1",),
        ("2",),
        ("4",),
    ]
    assert rolecall.query(
        "select record_count, event_count, rejected_record_count, too_large_record_count"
        " from log_files"
    ) == [(7, 3, 4, 3)]
    # It could stop what reads many records at once.
    assert rolecall.query("select max(octet_length(encode(resources))) < 1000000 from events") == [
        (True,)
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"- a: b\n" * (MAX_YAML_BYTES // 7 + 1), "YAML of more than 32,000,000 bytes"),
        (b"- a: b\n" * (MAX_YAML_PARTS // 3 + 1), "more than 1,000,000 keys and values"),
        (b"Events:\n- a\n...\n%TAG !a! b\n--- c\n", "its YAML has directives"),
    ],
)
def test_yaml_that_would_take_long_is_unreadable(text: bytes, problem: str) -> None:
    started = time.process_time()
    with pytest.raises(UnreadableLogError, match=problem):
        log_records.parse_records(text)
    assert time.process_time() - started < 30


def test_documents_without_records_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_parts, "MAX_RECORDS", 3)
    with pytest.raises(UnreadableLogError, match="more than 3 records"):
        log_records.parse_records(b'{"Records":[]}\n' * 4)
    assert log_records.parse_records(b'{"Records":[]}\n' * 3) == []


def test_both_engines_have_the_same_limits() -> None:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    assert variables["max_record_bytes"] == MAX_RECORD_BYTES
    assert variables["max_resources"] == MAX_RESOURCES


def test_a_database_with_a_record_that_is_too_large_is_healed(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """An older version stored it: the event stays, what is too large of it is withheld."""
    switch = {"eventSource": "signin.amazonaws.com", "eventName": "SwitchRole"}
    logs = write_log([event(1, **switch), event(2, requestParameters={"a": "b"})], name=GOOD)
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute(
            "update events set user_agent = repeat('u', 2000000), additional_event_data ="
            " '{\"a\":\"' || repeat('a', 30 << 20) || '\"}' where event_name = 'SwitchRole'"
        )
        connection.execute("update rolecall_schema set version = 3")
    files = rolecall.query("select * exclude (load_id, loaded_at) from log_files")
    rolecall.refresh(write_log([event(3)], day="2026/03/02", name="new.json.gz"))
    assert rolecall.query(
        "select additional_event_data, length(user_agent), request_parameters"
        " from events order by event_id"
    ) == [('{"withheld_bytes":31457288}', 1000, None), (None, None, '{"a":"b"}'), (None,) * 3]
    assert files[0] in rolecall.query("select * exclude (load_id, loaded_at) from log_files")
    assert rolecall.query("select count(*) from role_switches") == [(1,)]
    assert "Nothing new to load." in rolecall.refresh(logs)


def _write_packed(path: Path, pieces: Iterable[bytes]) -> None:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    with open(path, "wb") as stream:
        for piece in pieces:
            stream.write(packer.compress(piece))
        stream.write(packer.flush())


_MEGABYTE = 1 << 20
_UNPACKED = 64
BOMBS: dict[str, tuple[bytes, bytes, bytes]] = {
    "numbers": (b'{"Records":[1', b",1" * (_MEGABYTE // 2), b"]}"),
    "blank lines": (b"x", b"\n" * _MEGABYTE, b""),
    "blank lines before": (b"", b"\n" * _MEGABYTE, b'{"eventID":1}'),
    "blank rows": (b"EVENTS\t", b"\t\n" * (_MEGABYTE // 2), b""),
    "keys": (b'{"a":1', b',"a":1' * (_MEGABYTE // 6), b"}"),
    "objects": (b"", b"{}" * (_MEGABYTE // 2), b""),
    "brackets": (b"", b"[" * _MEGABYTE, b""),
    "escapes": (b'\n{"eventID":"', b"\\\\" * (_MEGABYTE // 2), b'\\ud800"}'),
}

_READ_AND_MEASURE = """
import resource, sys
from pathlib import Path
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from rolecall.local.json_parts import UnreadableLogError
(file,) = find_log_files(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_records(file, 100 << 20)
except UnreadableLogError:
    pass
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


@pytest.mark.parametrize("kind", BOMBS)
def test_what_packs_well_takes_no_more_memory_than_its_text_and_a_bounded_part(
    tmp_path: Path, kind: str
) -> None:
    start, piece, end = BOMBS[kind]
    path = tmp_path / GOOD
    _write_packed(path, (start, *[piece] * _UNPACKED, end))
    done = subprocess.run(
        [sys.executable, "-c", _READ_AND_MEASURE, path],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert int(done.stdout) < 2 * _UNPACKED * _MEGABYTE + 100 * MAX_RECORDS


def test_members_of_a_gzip_file_are_read_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work grows with the file, not with its square."""
    member, fed = _packed(b""), 0

    class Counting:
        def __init__(self, window_bits: int) -> None:
            self._member = zlib.decompressobj(window_bits)

        def decompress(self, piece: bytes) -> bytes:
            nonlocal fed
            fed += len(piece)
            return self._member.decompress(piece)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._member, name)

    monkeypatch.setattr("rolecall.local.log_reader.isal_zlib.decompressobj", Counting)
    path = tmp_path / GOOD
    work = []
    for count in (2000, 4000):
        path.write_bytes(member * count + b"\n")
        (file,) = find_log_files(path)
        fed = 0
        with pytest.raises(UnreadableLogError, match="other bytes follow its data"):
            read_records(file)
        work.append(fed)
    assert work[1] < 2.2 * work[0]


def test_a_slice_ends_where_its_files_have_cost_enough(
    write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        big = {"a": "x" * (200_000 if number == 2 else 10)}
        folder = write_log([event(number, requestParameters=big)], name=f"{number}.json.gz")
    files = sorted(find_log_files(folder), key=lambda file: file.log_file)
    memory = MemoryParts(10**9, 10**9, 3000)
    parts, ids = [], set()
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as rolecall")
        LogSource.create_views(connection)
        while files:
            reads: list[FileRead] = []
            source = LogSource(files=files, on_read=reads.append, memory=memory)
            source.register(connection, connection)
            rows = connection.execute("select eventid from logs.unread_cloudtrail_logs").fetchall()
            ids.update(rows)
            parts.append(len(reads))
            files = files[len(reads) :]
    assert parts == [2, 1, 3]
    assert len(ids) == 6


def test_a_file_is_read_ahead_only_while_it_is_small(
    write_log: WriteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "_LOG_BYTES_AHEAD", 1000)
    for number in range(3):
        folder = write_log([event(number, userAgent="x" * 2000 * number)], name=f"{number}.json.gz")
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as rolecall")
        LogSource.create_views(connection)
        source = LogSource(folder, memory=MemoryParts(10**9, 3000, 10**9))
        source.register(connection, connection)
        connection.execute("select eventid from logs.unread_cloudtrail_logs").fetchall()
    assert [read.status for read in source.reads] == ["loaded", "loaded", "unreadable"]
    assert "larger than 3,000 bytes unpacked" in (source.reads[2].problem or "")


def _legal_records(count: int) -> Iterator[tuple[int, list[Any]]]:
    large = {"policyDocument": "x" * 250 * 1024}
    for number in range(0, count, 100):
        yield number, [event(number + each, requestParameters=large) for each in range(100)]


@pytest.mark.parametrize("count", [600, pytest.param(3000, marks=pytest.mark.soak)])
def test_large_records_load_within_the_memory_that_is_set(
    rolecall: Rolecall, write_log: WriteLog, count: int
) -> None:
    for number, records in _legal_records(count):
        folder = write_log(records, name=f"{number}.json.gz")
    done, peak = run_measured(
        [sys.executable, "-m", "rolecall", "refresh", "--logs", folder],
        rolecall.folder,
        rolecall.environment | {"ROLECALL_MEMORY": str(MEMORY_BYTES)},
    )
    assert done.returncode == 0, done.stderr
    assert peak < MOST_RSS_BYTES
    assert rolecall.query(
        "select count(*), min(strlen(request_parameters)) > 256000 from events"
    ) == [(count, True)]


def _of_resources(number: int, count: int, **fields: Any) -> dict[str, Any]:
    return event(number, resources=[{}] * count, **fields)


def test_many_resources_load_within_the_memory_that_is_set(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """A record of 15 KB may name thousands, each of which becomes a row of columns."""
    write_log([_of_resources(number, 4900) for number in range(450)], name="many.json.gz")
    folder = write_log([event(450)], name=GOOD)
    done, peak = run_measured(
        [sys.executable, "-m", "rolecall", "refresh", "--logs", folder],
        rolecall.folder,
        rolecall.environment | {"ROLECALL_MEMORY": str(MEMORY_BYTES)},
    )
    assert done.returncode == 0, done.stderr
    assert peak < MOST_RSS_BYTES
    assert rolecall.query("select count(*) from events") == [(451,)]


@pytest.mark.parametrize("key", [b"resources", b"\\u0072esources"])
def test_a_file_whose_resources_are_too_large_as_rows_costs_itself_alone(
    write_log: WriteLog, key: bytes
) -> None:
    """They are stored with all their members, which is many times what an attacker writes."""
    body = _text(*(_of_resources(number, 4900) for number in range(5)))
    write_log(body=body.replace(b"resources", key), name="many.json")
    folder = write_log([event(5)], name=GOOD)
    good, many = sorted(find_log_files(folder), key=lambda file: "many" in file.log_file)
    assert len(read_records(good, 1_000_000)) == 1
    assert len(read_records(many, 2_000_000)) == 5
    with pytest.raises(UnreadableLogError, match="as they are stored: split it, or set ROLECALL"):
        read_records(many, 1_000_000)


def test_records_that_are_left_out_do_not_count_as_resources(write_log: WriteLog) -> None:
    folder = write_log([_of_resources(0, 400_000), event(1)], name=GOOD)
    (file,) = find_log_files(folder)
    assert len(read_records(file, 3_000_000)) == 2
