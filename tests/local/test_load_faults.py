"""What goes wrong with logs and databases: nothing good is lost, and all that is bad is named."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import duckdb
import pytest

from rolecall.errors import RolecallError
from rolecall.local.database import attach, open_database, open_for_writing, open_memory_database
from rolecall.local.forget import remove_events
from rolecall.local.lock import only_writer
from rolecall.local.log_files import find_log_files
from rolecall.local.record_view import TIME_PATTERN
from rolecall.local.slice_load import slices
from support.command_line import PROJECT, SAMPLE, Rolecall, Rows, Unprivileged
from support.logs import WriteLog, event

STAMPS = "load_id, loaded_at"
TABLES = (
    *("events", "identity_events", "log_reads", "log_files", "log_coverage"),
    *("role_switches", "role_assumptions", "role_sessions", "console_sign_ins"),
)


def _packed(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


BROKEN_BODIES = {
    "truncated": (_packed(json.dumps({"Records": [event(900)] * 9}).encode())[:-9], "truncated"),
    "zero-bytes": (b"", "the file is empty (zero bytes)"),
    "packed-nothing": (_packed(b""), "the file is empty (zero bytes)"),
    "no-json": (_packed(b"hello"), "the file is not JSON"),
    "cut-json": (_packed(b'{"Records":[{"eventID":"x"}'), "the file is not JSON"),
    "no-records": (_packed(b'{"other":[]}'), "the file has no list of Records"),
    "records-null": (_packed(b'{"Records":null}'), "Records is not a list of records"),
    "records-object": (_packed(b'{"Records":{}}'), "Records is not a list of records"),
    "records-text": (_packed(b'{"Records":"x"}'), "Records is not a list of records"),
    "no-utf8": (_packed(b'{"Records":[{"eventID":"\xff"}]}'), "the file is not UTF-8"),
}


def test_a_broken_file_costs_itself_alone_and_is_named(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    for name, (body, _) in BROKEN_BODIES.items():
        write_log(body=body, name=f"{name}.json.gz")
    write_log(name="no-record.json.gz")
    odd_names = ("with space.json.gz", 'it\'s "quoted".json.gz', "new\nline.json.gz")
    for number, name in enumerate(odd_names):
        write_log([event(number)], name=name)
    for folder in ("CloudTrail-Digest", "CloudTrail-Insight", "Config"):
        beside = rolecall.folder / "logs" / "AWSLogs" / "111122223333" / folder / "us-east-1"
        beside = beside / "2026" / "03" / "01"
        beside.mkdir(parents=True)
        (beside / "x.json.gz").write_bytes(b"not looked at")
    logs = rolecall.folder / "logs"
    (logs / "loop").symlink_to(logs)
    text = rolecall.refresh(logs)
    assert f"Loaded {len(odd_names) + 1} log files, 1 empty: {len(odd_names)} new events" in text
    problems = {
        str(log_file).rpartition("/")[2].removesuffix(".json.gz"): problem
        for log_file, problem in rolecall.query(
            "select log_file, problem from log_files where status = 'unreadable'"
        )
    }
    assert problems.keys() == BROKEN_BODIES.keys()
    for name, (_, problem) in BROKEN_BODIES.items():
        assert problem in problems[name], name
        assert f"{name}.json.gz: " in text
    assert rolecall.query("select count(*) from events") == [(len(odd_names),)]
    assert rolecall.query("select count(*) from log_files where contains(log_file, 'Digest')") == [
        (0,)
    ]


def test_an_event_id_that_comes_again_with_another_time_is_the_same_event(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """CloudTrail gives each event an id of its own: the record that was loaded first stays."""
    rolecall.refresh(write_log([event(1)], name="a.json.gz"))
    later = {"eventTime": "2026-03-05T00:00:00Z"}
    logs = write_log([event(1, **later), event(2, **later)], day="2026/03/06", name="b.json.gz")
    assert "Loaded 1 log file: 1 new event." in rolecall.refresh(logs)
    assert rolecall.query("select event_id[-1:], event_at::date::text from events order by 1") == [
        ("1", "2026-03-01"),
        ("2", "2026-03-05"),
    ]
    assert "Nothing new to load." in rolecall.refresh(logs, "--audit")


def test_odd_records_are_loaded_or_counted(rolecall: Rolecall, write_log: WriteLog) -> None:
    deep: object = 1
    for _ in range(200):
        deep = {"in": deep}
    odd = [
        event(1, requestParameters={"big": "x" * 262_144}),
        event(2, eventName="Größe\u0000\u2028\U0001f600", userAgent="nul \u0000 inside"),
        event(3, requestParameters={"Key": 1, "key": 2, "KEY": 3}),
        event(4, requestParameters={"deep": deep}),
        event(5, requestParameters={"n": 123456789012345678901234567890, "f": 1e308}),
        event(6, eventVersion="9.99", somethingNew={"a": [1]}, userIdentity={"type": "Martian"}),
        {key: value for key, value in event(7).items() if key != "eventID"},
        {key: value for key, value in event(8).items() if key != "eventTime"},
        event(9, eventTime="yesterday"),
        event(10, userIdentity="text", resources="text", requestParameters=[1, 2]),
        17,
        None,
        "text",
        [],
        {},
    ]
    text = rolecall.refresh(write_log(odd))
    assert "8 new events" in text
    assert "Rejected 7 records without a valid time in AWSLogs/" in text
    assert rolecall.query(
        "select record_count, event_count, copied_record_count, rejected_record_count"
        " from log_files"
    ) == [(15, 8, 0, 7)]
    kept: dict[str, str] = dict(
        rolecall.query(
            "select event_id[-2:], request_parameters from events where length(event_id) = 36"
        )
    )
    assert len(kept["01"]) == 262_144 + len('{"big":""}')
    assert kept["03"] == '{"Key":1,"key":2,"KEY":3}'
    assert kept["04"].count('{"in":') == 200
    assert kept["05"].startswith('{"n":123456789012345678901234567890,')
    assert kept["10"] == "[1,2]"
    assert rolecall.query("select event_name from events where user_agent like 'nul%'") == [
        ("Größe\x00\u2028\U0001f600",)
    ]
    assert rolecall.query("select count(*) from events where length(event_id) = 64") == [(1,)]
    assert "Nothing new to load." in rolecall.refresh(rolecall.folder / "logs")


def test_a_file_that_becomes_readable_without_a_change_is_read(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)], name="a.json.gz")
    write_log([event(2)], name="b.json.gz")
    (path,) = logs.rglob("b.json.gz")
    status = path.stat()
    path.rename(rolecall.folder / "kept")
    path.symlink_to("nowhere")
    assert "cannot examine the file" in rolecall.refresh(logs)
    path.unlink()
    (rolecall.folder / "kept").rename(path)
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert "Loaded 1 log file: 1 new event." in rolecall.refresh(logs)


def test_a_folder_that_can_be_listed_again_is_not_a_problem_any_more(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:  # as a closed folder is entered
        connection.execute(
            """
            insert into log_reads by name
            select
                'AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/' as log_file,
                account_id, aws_region, date '2026-03-02' as delivered_date,
                'unreadable' as status,
                'cannot list the folder: permission denied' as problem,
                log_root, 'closed' as load_id, loaded_at + interval 1 second as loaded_at
            from log_reads
            """
        )
    write_log([event(2)], day="2026/03/02", name="b.json.gz")
    assert "Loaded 1 log file: 1 new event." in rolecall.refresh(logs)
    assert rolecall.query("select status from log_files") == [("loaded",), ("loaded",)]
    assert rolecall.query(
        "select delivered_date::text, file_count, unreadable_file_count"
        " from log_coverage order by 1"
    ) == [("2026-03-01", 1, 0), ("2026-03-02", 1, 0)]
    attempts = rolecall.query("select log_file[-1:], status from log_reads order by all")
    assert attempts == [("/", "empty"), ("/", "unreadable"), ("z", "loaded"), ("z", "loaded")]
    assert "Nothing new to load." in rolecall.refresh(logs)
    assert rolecall.query("select count(*) from log_reads") == [(4,)]


def test_a_second_refresh_says_who_is_at_work_and_leaves(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    with only_writer(rolecall.database):
        done = rolecall.run("refresh", "--logs", logs, exit_code=1)
    assert done.stderr == (
        "Error: The database rolecall.duckdb is being changed by process"
        f" {os.getpid()}: try again when it is done.\n"
    )
    assert [path.name for path in rolecall.folder.iterdir()] == ["logs"]


def test_a_lock_file_that_a_dead_process_left_locks_nothing(tmp_path: Path) -> None:
    (tmp_path / "rolecall.duckdb.lock").write_text("1")
    with only_writer(tmp_path / "rolecall.duckdb"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_database_on_a_disk_that_cannot_be_written_is_named(
    open_folder: Path, unprivileged: Unprivileged
) -> None:
    database = open_folder / "rolecall.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table events as select 1 as one")
    database.chmod(0o444)
    open_folder.chmod(0o555)
    with unprivileged():
        with (
            pytest.raises(RolecallError, match="cannot be written: Permission denied"),
            only_writer(database),
        ):
            pass
        with pytest.raises(RolecallError, match=r"rolecall.duckdb cannot be opened: .*ermission"):
            open_for_writing(database, 0)


def test_plain_dbt_says_who_holds_the_database(rolecall: Rolecall, write_log: WriteLog) -> None:
    logs = write_log([event(1)])
    with open_for_writing(rolecall.database, 0):
        printed = rolecall.dbt("run", ROLECALL_LOGS=str(logs), exit_code=2)
    assert f"The database {rolecall.database} is held by process {os.getpid()} (" in printed


def test_a_database_that_is_held_is_waited_for(rolecall: Rolecall, write_log: WriteLog) -> None:
    rolecall.refresh(write_log([event(1)]))
    with (
        rolecall.held() as holder,
        ThreadPoolExecutor() as pool,
        open_memory_database() as connection,
    ):
        assert holder.stdin is not None
        with pytest.raises(RolecallError, match=f"is held by process {holder.pid} "):
            attach(connection, rolecall.database, 0)
        waiting = pool.submit(attach, connection, rolecall.database, 60)
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        holder.stdin.close()
        waiting.result(60)


def test_a_database_of_a_newer_rolecall_is_refused(rolecall: Rolecall, write_log: WriteLog) -> None:
    logs = write_log([event(1)])
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("create table rolecall_schema as select 999 as version")
    for command in (("refresh", "--logs", logs), ("history",)):
        done = rolecall.run(*command, exit_code=1)
        assert done.stderr.startswith("Error: The database has schema version 999")
        assert len(done.stderr.splitlines()) == 1
    printed = rolecall.dbt("run", ROLECALL_LOGS=str(logs), exit_code=2)
    assert "  The database has schema version 999, and this Rolecall knows none above" in printed
    assert "Traceback" not in printed


def test_an_older_database_is_rebuilt_from_its_events(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    logs = write_log([event(1, **sign_in)])
    rolecall.refresh(logs)
    before = rolecall.query("select * from identity_events")
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("drop table rolecall_schema")
        connection.execute("update identity_events set event_name = 'of an older version'")
        connection.execute("alter table events drop column tls_version")
    for path in logs.rglob("*.json.gz"):
        path.write_bytes(b"the raw log is gone")
        path.unlink()
    rolecall.refresh(logs)
    assert rolecall.query("select * from identity_events") == before
    assert rolecall.query("select tls_version from events") == [(None,)]
    assert rolecall.query("select count(*) from console_sign_ins") == [(1,)]


def test_plain_dbt_rebuilds_an_outdated_database_from_its_events(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """And forgets what a `forget` that died has left."""
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    old = event(1, eventTime="2026-02-28T23:59:59Z", **sign_in)
    logs = write_log([old, event(2, **sign_in)])
    rolecall.refresh(logs)
    with open_for_writing(rolecall.database, 0) as connection:
        assert remove_events(connection, date(2026, 3, 1)) == (1, True)
    rolecall.dbt("build", "--exclude-resource-type", "unit_test", ROLECALL_LOGS=str(logs))
    for table in ("events", "log_reads", "identity_events", "console_sign_ins"):
        assert rolecall.query(f"select count(*) from {table}") == [(1,)], table


def test_what_is_due_is_done_though_the_log_folder_is_gone(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """An upgrade and a forget that died need the stored events alone."""
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    logs = write_log([event(1, eventTime="2026-02-28T23:59:59Z"), event(2, **sign_in)])
    rolecall.refresh(logs)
    before = rolecall.query("select * from identity_events")
    assert before
    shutil.rmtree(logs)
    gone = f"The log folder {logs} does not exist"
    for _ in range(2):
        assert f"{gone}: name the one where" in rolecall.run("refresh", exit_code=1).stderr
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("drop table rolecall_schema")
        connection.execute("update identity_events set event_name = 'of an older version'")
    text = rolecall.run("refresh").stdout
    assert f"The log folder {logs} is gone: nothing was read from it." in text
    assert rolecall.query("select * from identity_events") == before
    with open_for_writing(rolecall.database, 0) as connection:
        assert remove_events(connection, date(2026, 3, 1)) == (1, True)
    assert " has 1 event of 1 log file" in rolecall.run("refresh").stdout
    assert gone in rolecall.run("refresh", exit_code=1).stderr
    assert f"{gone}." in rolecall.run("refresh", "--logs", logs, exit_code=1).stderr


def test_events_of_a_load_that_died_reach_the_marts_though_their_file_is_gone(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    logs = write_log([event(1, **sign_in)], name="a.json.gz")
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:  # as a kill before log_reads does
        connection.execute(
            """
            insert into events
            select * replace (
                'of-the-dead' as event_id, 'dead/1' as load_id,
                loaded_at + interval 1 second as loaded_at
            )
            from events
            """
        )
    assert "Nothing new to load." in rolecall.refresh(logs)
    assert rolecall.query("select count(*) from console_sign_ins") == [(2,)]


def test_forget_removes_events_for_good(rolecall: Rolecall, write_log: WriteLog) -> None:
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    old = event(1, eventTime="2026-02-28T23:59:59Z", userAgent="an old secret", **sign_in)
    logs = write_log([old, event(2, **sign_in)])
    rolecall.refresh(logs)
    assert b"an old secret" in _uncompressed(rolecall.database)
    done = rolecall.run("forget", "--before", "2026-03-01")
    assert done.stdout == "Removed 1 event from before 2026-03-01.\n"
    for table in ("events", "identity_events", "console_sign_ins", "stg_cloudtrail__events"):
        assert rolecall.query(f"select count(*) from {table}") in ([(1,)], [(0,)]), table
    assert rolecall.query("select count(*) from events") == [(1,)]
    assert rolecall.query("select count(*) from console_sign_ins") == [(1,)]
    assert b"an old secret" not in _uncompressed(rolecall.database)
    assert "Nothing new to load." in rolecall.refresh(logs)
    assert rolecall.query("select count(*) from events") == [(1,)]


def test_forgotten_events_do_not_come_back_in_a_copy(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    old = event(1, eventTime="2026-02-28T23:59:59Z", userAgent="an old secret")
    kept = event(2, eventTime="2026-03-01T00:00:00Z")
    logs = write_log([old, kept])
    rolecall.refresh(logs)
    rolecall.run("forget", "--before", "2026-03-01")
    rolecall.run("forget", "--before", "2026-02-01")
    shutil.copytree(logs, tmp_path / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(logs)
    write_log([old, kept, {"eventID": "no time"}], name="late.json.gz")
    (tmp_path / "logs").rename(tmp_path / "copy" / "late")
    text = rolecall.refresh(tmp_path / "copy", "--add-logs")
    assert "Loaded 2 log files: 0 new events, 2 forgotten records left out." in text
    assert rolecall.query("select event_id[-1:] from events") == [("2",)]
    assert rolecall.query(
        "select record_count, event_count, rejected_record_count, forgotten_record_count"
        " from log_files order by 1"
    ) == [(2, 1, 0, 1), (3, 1, 1, 1)]
    assert b"an old secret" not in _uncompressed(rolecall.database)


def test_a_loose_file_that_is_read_again_after_a_forget_keeps_its_account_and_day(
    rolecall: Rolecall, tmp_path: Path
) -> None:
    """Its key tells neither: day, account and region are all that is kept of what is forgotten."""
    logs = tmp_path / "loose"
    logs.mkdir()
    secret: dict[str, str] = {"userAgent": "an old secret", "eventID": "an old id"}
    old = event(1, recipientAccountId="444455556666", eventTime="2026-03-02T23:30:00-01:00")
    elsewhere = old | {"awsRegion": "eu-west-1", "eventTime": "2026-03-02T23:59:59Z"}
    nameless = {key: value for key, value in old.items() if key != "recipientAccountId"}
    nameless |= {"userIdentity": {"accountId": "444455556666", "userName": "an old secret"}}
    new = event(2, recipientAccountId="444455556666", eventTime="2026-03-05T00:00:00Z")
    files = {
        "old.json": [old | secret],
        "two regions.json": [elsewhere | secret, new],
        "two accounts.json": [old | {"recipientAccountId": "111122223333"}, new],
        "nameless.json": [nameless | {"eventID": "nameless"}],
    }
    for name, records in files.items():
        (logs / name).write_text(json.dumps(records))
    rolecall.refresh(logs)
    places = "account_id, aws_region, delivered_date::text"
    of_files = f"select log_file, {places} from log_files order by all"
    covered = f"select {places}, status from log_coverage order by all"
    before = rolecall.query(of_files), rolecall.query(covered)
    assert ("old.json", "444455556666", "us-east-1", "2026-03-03") in before[0]
    assert ("two regions.json", "444455556666", None, "2026-03-05") in before[0]
    rolecall.run("forget", "--before", "2026-03-04")
    for name in files:
        os.utime(logs / name, (1_772_000_000, 1_772_000_000))
    assert "0 new events, 4 forgotten records left out." in rolecall.refresh(logs)
    assert (rolecall.query(of_files), rolecall.query(covered)) == before
    assert rolecall.query("select distinct event_id[-1:] from events") == [("2",)]
    kept = rolecall.query(
        """
        select distinct columns(* exclude (
            log_file, recipient_account_id, aws_region, event_id, load_id, loaded_at
        ))
        from stg_cloudtrail__events
        where is_forgotten
        """
    )
    times = {value for row in kept for value in row if not isinstance(value, bool | None)}
    assert {str(time) for time in times} == {"2026-03-02 00:00:00", "2026-03-03 00:00:00"}
    assert b"an old" not in _uncompressed(rolecall.database)


def test_a_forget_of_nothing_builds_nothing_and_is_remembered(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    before = rolecall.database.stat().st_ino
    done = rolecall.run("forget", "--before", "2026-02-01")
    assert done.stdout == "Removed 0 events from before 2026-02-01.\n"
    assert rolecall.database.stat().st_ino == before
    write_log([event(2, eventTime="2026-01-31T12:00:00Z")], name="late.json.gz")
    text = rolecall.refresh(logs)
    assert "0 new events, 1 forgotten record left out." in text
    assert rolecall.query("select count(*) from events") == [(1,)]


def test_a_refresh_finishes_a_forget_that_died(rolecall: Rolecall, write_log: WriteLog) -> None:
    old = event(1, eventTime="2026-02-28T23:59:59Z", userAgent="an old secret")
    logs = write_log([old, event(2)])
    rolecall.refresh(logs)
    with open_for_writing(rolecall.database, 0) as connection:  # all that it came to
        assert remove_events(connection, date(2026, 3, 1)) == (1, True)
    assert b"an old secret" in _uncompressed(rolecall.database)
    rolecall.refresh(logs)
    assert rolecall.query("select count(*) from events") == [(1,)]
    assert b"an old secret" not in _uncompressed(rolecall.database)
    rewritten = rolecall.database.stat().st_ino
    rolecall.refresh(logs)
    assert rolecall.database.stat().st_ino == rewritten


@pytest.mark.parametrize("share", [0.3, 1.5])
def test_without_room_for_it_a_forget_loses_nothing(
    rolecall: Rolecall, sample: Rolecall, share: float
) -> None:
    """No file may become larger than a share of the database: first the draft, then a bit more."""
    shutil.copyfile(sample.database, rolecall.database)
    blocks = int(share * rolecall.database.stat().st_size) // 1024
    command = f"'{sys.executable}' -m rolecall forget --before 2026-04-20"
    done = rolecall.shell(f"ulimit -f {blocks}; {command}")
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert len(re.findall("^Error: ", done.stderr, re.MULTILINE)) == 1, done.stderr
    rolecall.refresh(SAMPLE)
    events = "select count(*), min(event_at) >= '2026-04-20' from events"
    if rolecall.query("select count(*) from events") == [(129,)]:
        rolecall.run("forget", "--before", "2026-04-20")
    assert rolecall.query(events) == [(18, True)]
    assert {path.name for path in rolecall.folder.iterdir()} == {"rolecall.duckdb"}


@pytest.mark.parametrize("kind", ["table", "view"])
def test_an_upgrade_drops_what_older_versions_made(
    rolecall: Rolecall, write_log: WriteLog, kind: str
) -> None:
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    with open_for_writing(rolecall.database, 0) as connection:
        connection.execute(f"create {kind} rolecall.main.switch_sign_ins as select 'alice' as who")
        connection.execute("create table rolecall.main.of_the_user as select 1 as one")
    rolecall.run("forget", "--before", "2026-04-20")
    relations = {
        name for (name,) in rolecall.query("select table_name from information_schema.tables")
    }
    assert "of_the_user" in relations
    assert "switch_sign_ins" not in relations


def test_a_refresh_waits_for_those_who_read_between_its_slices(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([event(1)]))
    for number in range(10, 14):
        logs = write_log([event(number)], name=f"{number}.json.gz")
    rolecall.environment["ROLECALL_SLICE_BYTES"] = "1"
    reads = 0
    with rolecall.started("refresh", "--logs", logs) as process:
        assert process.stderr is not None
        # Until the last slice: what follows it may be the end of the refresh.
        while process.stderr.readline().startswith("Slice") and process.poll() is None:
            with suppress(RolecallError), open_database(rolecall.database, 2) as reader:
                reads += len(reader.execute("select 1 from rolecall.events limit 1").fetchall())
                # Longer than any pause in which the refresh does not look.
                reader.execute("select count(*) from range(200000000)").fetchall()
        assert process.wait() == 0
    assert reads


def test_what_is_not_a_time_is_rejected_after_a_forget_too(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """DuckDB casts more than the models take for a time."""
    rolecall.refresh(write_log([event(1)]))
    rolecall.run("forget", "--before", "2026-03-01")
    times = ["2026-02-01 00:00:00", "2026-02-01", "epoch", "-infinity", " 2026-02-01T00:00:00Z"]
    records = [event(number, eventTime=time) for number, time in enumerate(times, start=10)]
    records.append(event(20, eventTime="2026-03-01T00:59:59+01:00"))
    text = rolecall.refresh(write_log(records, name="late.json.gz"))
    assert "0 new events, 1 forgotten record left out." in text
    assert rolecall.query(
        "select rejected_record_count, forgotten_record_count from log_files"
        " where log_file like '%late.json.gz'"
    ) == [(5, 1)]


def test_times_are_the_models_own() -> None:
    macro = (PROJECT / "macros" / "engines" / "iso_timestamp.sql").read_text(encoding="utf-8")
    assert f"'{TIME_PATTERN}'" in macro


def _uncompressed(database: Path) -> bytes:
    """Return a database's bytes: short texts stand in them as they are."""
    return database.read_bytes()


def test_a_moved_trail_is_remembered_where_it_went(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    logs.rename(tmp_path / "moved")
    rolecall.refresh(tmp_path / "moved", "--add-logs")
    write_log([event(2)], day="2026/03/02")
    (tmp_path / "logs").rename(tmp_path / "new day")
    day = tmp_path / "new day" / "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02"
    day.rename(tmp_path / "moved" / "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02")
    text = rolecall.run("refresh").stdout
    assert "1 new event" in text
    assert f"The log folder {logs} is gone: nothing was read from it." in text
    assert rolecall.query("select count(*), count(distinct event_id) from events") == [(2, 2)]


def test_every_readable_copy_of_a_log_file_is_read_once(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    """One folder has two copies of the trail: one cut or with other events, one whole."""
    for name in ("a", "b"):
        body = _packed(json.dumps({"Records": [event(1)] * 9}).encode())[:-9]
        write_log([event(1)], name="cut.json.gz", body=body if name == "a" else None)
        write_log([event(2 if name == "a" else 3), event(4)], name="other.json.gz")
        (tmp_path / "logs").rename(tmp_path / name)
    both = tmp_path / "both"
    both.mkdir()
    for name in ("a", "b"):
        (tmp_path / name).rename(both / name)
    text = rolecall.refresh(both)
    assert "Loaded 3 log files: 4 new events." in text
    assert "Skipped" not in text
    assert rolecall.query("select distinct status from log_files") == [("loaded",)]
    assert "Nothing new to load." in rolecall.refresh(both)
    # Whichever of them a refresh is shown, it has been read.
    (both / "a").rename(tmp_path / "a")
    assert "Nothing new to load." in rolecall.refresh(both)
    (both / "b").rename(tmp_path / "b")
    (tmp_path / "a").rename(both / "a")
    assert "cut.json.gz: the gzip file is truncated" in rolecall.refresh(both)
    (tmp_path / "b").rename(both / "b")
    assert "Loaded 1 log file: 0 new events" in rolecall.refresh(both)
    assert rolecall.query("select distinct status from log_files") == [("loaded",)]


def test_a_whole_copy_is_read_where_a_damaged_one_has_its_size_and_time(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    both = tmp_path / "both"
    both.mkdir()
    whole = _packed(json.dumps({"Records": [event(1)]}).encode())
    damaged = whole[:-8] + b"\0\0\0\0" + whole[-4:]  # another check sum
    for name, body in (("a", damaged), ("b", whole)):
        logs = write_log(name="x.json.gz", body=body)
        for file in logs.rglob("*.gz"):
            os.utime(file, (1_772_000_000, 1_772_000_000))
        logs.rename(both / name)
    assert "x.json.gz: the gzip file is damaged" in rolecall.refresh(both / "a")
    text = rolecall.refresh(both, "--add-logs")
    assert "Loaded 1 log file: 1 new event." in text
    assert "Skipped" not in text
    assert rolecall.query("select status, problem from log_files") == [("loaded", None)]
    assert "Nothing new to load." in rolecall.refresh(both)


def test_a_day_stays_covered_whose_file_is_cut_after_it_was_loaded(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    """Its events are there; the cut copy is named until a whole one is shown again."""
    moved = write_log([event(1), event(2)]).rename(tmp_path / "moved")
    rolecall.refresh(moved)
    whole = next(moved.rglob("*.gz")).read_bytes()
    cut = write_log(body=whole[:-9])
    files = "select status, problem from log_files"
    coverage = "select status, file_count, unreadable_file_count, event_count from log_coverage"
    assert "the gzip file is truncated" in rolecall.refresh(cut, "--add-logs")
    assert rolecall.query(files) == [("unreadable", "the gzip file is truncated")]
    assert rolecall.query(coverage) == [("logged", 1, 1, 2)]
    assert rolecall.query("select count(*) from events") == [(2,)]
    assert "Not wholly covered" not in rolecall.run("refresh").stdout
    assert rolecall.query(files) == [("loaded", None)]
    assert rolecall.query(coverage) == [("logged", 1, 0, 2)]


def test_a_loose_file_that_is_cut_after_it_was_loaded_covers_its_day_still(
    rolecall: Rolecall, tmp_path: Path
) -> None:
    logs = tmp_path / "loose"
    logs.mkdir()
    (logs / "x.json").write_text(json.dumps([event(1), event(2)]))
    rolecall.refresh(logs)
    coverage = "select * exclude (unreadable_file_count), unreadable_file_count from log_coverage"
    (before,) = rolecall.query(coverage)
    (logs / "x.json").write_text("{")
    assert "Skipped x.json: the file is not JSON" in rolecall.refresh(logs)
    assert rolecall.query(coverage) == [(*before[:-1], 1)]


def test_slices_are_cut_by_size_and_lose_no_file(write_log: WriteLog) -> None:
    for number in range(9):
        logs = write_log([event(number)], name=f"{number}.json.gz")
    files = list(find_log_files(logs))
    size = files[0].size_bytes or 0
    parts = list(slices(files, 2 * size))
    assert [file for part in parts for file in part] == files
    assert len(parts) >= 4
    assert list(slices(files, 1)) == [[file] for file in files]
    assert list(slices([], 1)) == []


def _tables(rolecall: Rolecall) -> dict[str, Rows]:
    return {
        table: rolecall.query(f"select * exclude ({STAMPS}) from {table} order by all")
        if table in ("events", "identity_events", "log_reads", "log_files")
        else rolecall.query(f"select * from {table} order by all")
        for table in TABLES
    }


@pytest.mark.parametrize(
    "kills", [pytest.param(5, id="5"), pytest.param(20, id="20", marks=pytest.mark.soak)]
)
def test_killed_at_any_moment_the_next_refresh_makes_it_good(
    kills: int, tmp_path: Path, write_log: WriteLog
) -> None:
    """Each kill lands between two slices or in one, the last one with all that follows too."""
    whole, killed = Rolecall(tmp_path / "whole"), Rolecall(tmp_path / "killed")
    for each in (whole, killed):
        each.folder.mkdir()
    write_log(body=b"broken", day="2026/03/01", name="broken.json.gz")
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    days = _delivered_days(write_log)
    slices_left = 0
    for _ in range(kills):
        logs = [next(days) for _ in range(max(1, _SLICES_TO_KILL - slices_left))][-1]
        slices_left = _kill_a_refresh(killed, logs, moments)
    killed.refresh(logs)
    whole.refresh(logs)
    assert _tables(killed) == _tables(whole), f"seed {seed}"
    assert "Nothing new to load." in killed.refresh(logs)


_SLICES_TO_KILL = 3


def _delivered_days(write_log: WriteLog) -> Iterator[Path]:
    """Write the log file of one day after the other, and yield their folder."""
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    for number in count(1):
        records = [event(100 * number + copy, **sign_in) for copy in range(20)]
        records.append(event(100 * (number - 1), **sign_in))  # a copy, delivered a day later
        day = date(2026, 3, 1) + timedelta(days=number)
        yield write_log(records, day=f"{day:%Y/%m/%d}", name=f"{number}.json.gz")


def _kill_a_refresh(rolecall: Rolecall, logs: Path, moments: random.Random) -> int:
    """Kill a refresh of several slices in one of them; return how many are left."""
    rolecall.environment["ROLECALL_SLICE_BYTES"] = "1"
    with rolecall.started("refresh", "--logs", logs) as process:
        assert process.stderr is not None
        slices_done, slice_count = 0, 2
        last = None
        while last is None or slices_done < last:
            started, line = time.monotonic(), process.stderr.readline()
            seconds = time.monotonic() - started
            said = re.match(r"Slice (\d+) of (\d+)", line)
            assert said is not None, line
            slices_done, slice_count = map(int, said.groups())
            last = last or moments.randint(1, slice_count - 1)
        # What is left is another slice like the one before and more, or the last, which is longer.
        with suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0, 0.9) * seconds)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    del rolecall.environment["ROLECALL_SLICE_BYTES"]
    loaded = "select count(distinct log_file) from log_reads where status = 'loaded'"
    ((file_count,),) = rolecall.query(loaded)
    return len(list(find_log_files(logs))) - int(file_count) - 1  # one is broken


@pytest.mark.parametrize("slice_count", [1, 2])
def test_sigterm_that_comes_again_and_again_closes_once(
    rolecall: Rolecall, write_log: WriteLog, slice_count: int
) -> None:
    """As some supervisors and `timeout` in a script send it: nothing breaks off what is closed."""
    days = _delivered_days(write_log)
    logs = [next(days) for _ in range(4)][-1]
    rolecall.environment["ROLECALL_SLICE_BYTES"] = "1"
    with rolecall.started("refresh", "--logs", logs) as process:
        assert process.stderr is not None
        for _ in range(slice_count):
            assert process.stderr.readline().startswith("Slice ")
        while process.poll() is None:
            with suppress(ProcessLookupError):  # it ends between two looks
                process.send_signal(signal.SIGTERM)
        assert process.returncode == 128 + signal.SIGTERM, process.stderr.read()
    del rolecall.environment["ROLECALL_SLICE_BYTES"]
    rolecall.refresh(logs)
    assert rolecall.query("select count(*) from events") == [(81,)]


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGTERM, ""), (signal.SIGINT, "Error: Interrupted.")]
)
def test_a_signal_ends_a_refresh_whatever_it_is_reading(
    rolecall: Rolecall, write_log: WriteLog, number: signal.Signals, said: str
) -> None:
    """Nothing that a file holds up keeps the process alive, and no other sentence is printed."""
    quoted = b'{"message":"{\\"eventID\\":1}"}'
    body = _packed(b'{"events":[' + b",".join([quoted] * 900_000) + b"]}")
    logs = write_log(body=body, name="slow.json.gz")
    with rolecall.started("refresh", "--logs", logs) as process:
        assert process.stderr is not None
        _wait_until_open(process.pid, "slow.json.gz")
        for _ in range(3):
            process.send_signal(number)
        assert process.wait(20) == 128 + number  # it would read for a minute
        assert process.stderr.read().strip() == said
    with only_writer(rolecall.database):
        pass


def _wait_until_open(process: int, name: str) -> None:
    """Return when a process has a file open."""
    folder = Path("/proc") / str(process) / "fd"
    while True:
        for link in folder.iterdir():
            with suppress(FileNotFoundError):
                if str(link.readlink()).endswith(name):
                    return


def test_answers_that_lack_what_a_dead_refresh_loaded_say_so(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([event(1)]))
    assert "come to its end" not in rolecall.run("history").stderr
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute(
            "insert into events select * replace ("
            " 'later' as event_id, 'later' as load_id,"
            " loaded_at + interval '1' second as loaded_at) from events"
        )
    told = "The last refresh did not come to its end: what it loaded is in no answer yet;"
    assert told in rolecall.run("history").stderr
    assert told not in rolecall.run("query", "preview_raw").stderr
    with only_writer(rolecall.database):
        said = rolecall.run("history").stderr
    assert f"Process {os.getpid()} is loading logs: the answers are still those of" in said


def test_a_reader_of_what_is_being_built_first_says_so(rolecall: Rolecall) -> None:
    with only_writer(rolecall.database):
        open_for_writing(rolecall.database, 0).close()
        done = rolecall.run("history", exit_code=1)
    assert f"yet: process {os.getpid()} is building it; ask again when that" in done.stderr
