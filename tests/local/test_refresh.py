"""`rolecall refresh`: what it loads, skips and says, again and again."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import stat
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from support.command_line import FIXTURES, PROJECT, SAMPLE, Rolecall
from support.documents import documented
from support.logs import WriteLog, event

COUNTS = """
    select
        (select count(*) from events), (select count(*) from log_reads),
        (select count(*) from identity_events), (select count(*) from role_switches)
"""
TABLES = ("events", "identity_events", "log_files", "role_switches", "console_sign_ins")


def test_the_sample_is_loaded_and_its_cut_file_named(sample: Rolecall) -> None:
    status = sample.query("select status, count(*) from log_files group by 1 order by 1")
    assert status == [("loaded", 77), ("unreadable", 1)]
    (row,) = sample.query("select log_file, problem from log_files where status = 'unreadable'")
    assert row[0].startswith(
        "AWSLogs/o-a1b2c3d4e5/444455556666/CloudTrail/eu-central-1/2026/03/18/"
    )
    assert row[1] == "the gzip file is truncated"


def test_every_record_of_the_sample_is_an_event_or_a_copy(sample: Rolecall) -> None:
    (counts,) = sample.query("select sum(record_count), sum(rejected_record_count) from log_files")
    distinct = sample.query("select count(*), count(distinct event_id) from events")
    assert counts == (132, 0)
    assert distinct == [(129, 129)]


def test_all_tables_lie_in_schema_main(sample: Rolecall) -> None:
    assert sample.query("select distinct table_schema from information_schema.tables") == [
        ("main",)
    ]


def test_a_second_refresh_adds_nothing_and_changes_no_answer(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1), event(1), event(2)], name="a.json.gz")
    write_log(body=b"broken", name="b.json.gz")
    first = rolecall.refresh(logs)
    assert "Loaded 1 log file: 2 new events." in first
    before = {table: rolecall.query(f"select * from {table} order by all") for table in TABLES}
    second = rolecall.refresh(logs)
    assert "Nothing new to load." in second
    assert "Skipped AWSLogs/" in second
    assert before == {
        table: rolecall.query(f"select * from {table} order by all") for table in TABLES
    }
    assert rolecall.query("select count(*) from log_reads") == [(2,)]


def test_new_files_add_their_events_and_copies_do_not(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([event(1)], name="a.json.gz"))
    text = rolecall.refresh(write_log([event(1), event(2)], name="b.json.gz", day="2026/03/02"))
    assert "Loaded 1 log file: 1 new event." in text
    files = rolecall.query("select event_id[-1:], log_file[-9:] from events order by 1")
    assert files == [("1", "a.json.gz"), ("2", "b.json.gz")]


def test_a_changed_file_is_read_again(rolecall: Rolecall, write_log: WriteLog) -> None:
    rolecall.refresh(write_log(body=b"cut"))
    assert rolecall.query("select status from log_files") == [("unreadable",)]
    text = rolecall.refresh(write_log([event(1)]))
    assert "Loaded 1 log file: 1 new event." in text
    attempts = rolecall.query("select status from log_reads order by loaded_at")
    assert attempts == [("unreadable",), ("loaded",)]
    assert rolecall.query("select status from log_files") == [("loaded",)]


def test_the_half_that_comes_late_joins_its_twin(rolecall: Rolecall, write_log: WriteLog) -> None:
    source = event(
        1,
        eventSource="signin.amazonaws.com",
        eventName="SwitchRole",
        userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice"},
        responseElements={"SwitchRole": "Success"},
        additionalEventData={"SwitchTo": "arn:aws:iam::444455556666:role/Admin"},
    )
    role = event(
        2,
        eventSource="signin.amazonaws.com",
        eventName="SwitchRole",
        recipientAccountId="444455556666",
        userIdentity={
            "type": "AssumedRole",
            "principalId": "AROA1:alice",
            "arn": "arn:aws:sts::444455556666:assumed-role/Admin/alice",
        },
        responseElements={"SwitchRole": "Success"},
        additionalEventData={"SwitchFrom": "arn:aws:iam::111122223333:user/alice"},
    )
    rolecall.refresh(write_log([source]))
    assert rolecall.query("select seen_in, role_switch_id[-1:] from role_switches") == [
        ("source account", "1")
    ]
    rolecall.refresh(write_log([role], account="444455556666", day="2026/03/04"))
    assert rolecall.query("select seen_in, role_switch_id[-1:] from role_switches") == [
        ("both accounts", "2")
    ]


_RELATIONS = """
    select table_name from duckdb_tables()
    where table_name not in ('events', 'log_reads') and not starts_with(table_name, 'rolecall_')
    order by all
"""


@pytest.mark.parametrize("dropped", ["role_sessions", "identity_events", "log_coverage", "all"])
def test_what_follows_from_the_store_is_built_again_when_it_was_dropped(
    dropped: str, rolecall: Rolecall, sample: Rolecall
) -> None:
    shutil.copyfile(sample.database, rolecall.database)
    tables = [name for (name,) in rolecall.query(_RELATIONS)]
    answers = [name for name in tables if not name.startswith("stg_")]
    before = {name: rolecall.query(f"select * from {name} order by all") for name in answers}
    with duckdb.connect(str(rolecall.database)) as connection:
        for name in tables if dropped == "all" else [dropped]:
            connection.execute(f"drop table {name}")
    assert "Nothing new to load." in rolecall.refresh(SAMPLE)
    assert before == {name: rolecall.query(f"select * from {name} order by all") for name in before}


def test_a_ledger_that_was_dropped_is_made_again_from_the_logs(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([event(1), event(2)]))
    before = rolecall.query("select * exclude (load_id, loaded_at) from log_reads")
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("drop table log_reads")
    assert "Loaded 1 log file: 0 new events" in rolecall.run("refresh").stdout
    assert rolecall.query("select * exclude (load_id, loaded_at) from log_reads") == before
    assert rolecall.query("select count(*) from events") == [(2,)]


def test_events_that_were_dropped_are_missed_in_a_sentence(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """Their log files are listed as loaded, and may be gone: no empty answers instead."""
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
    logs = write_log([event(1, **sign_in)])
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("drop table events")
    for command in (("refresh", "--logs", logs), ("forget", "--before", "2026-03-01")):
        done = rolecall.run(*command, exit_code=1)
        assert done.stderr == (
            "Error: The database has lost its table events, without which nothing can be rebuilt:"
            " use a copy of the database that has it, or load the logs into a new one.\n"
        )
    printed = rolecall.dbt("run", ROLECALL_LOGS=str(logs), exit_code=2)
    assert "The database has lost its table events" in printed
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("drop table log_reads")
    # Without either it is as good as new.
    assert "Loaded 1 log file: 1 new event." in rolecall.refresh(logs)
    assert rolecall.query("select count(*) from identity_events") == [(1,)]


def test_strict_exits_with_3_when_something_was_skipped(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1), {"eventID": "no time"}, 17], name="a.json.gz")
    write_log(body=b"broken", name="b.json.gz")
    done = rolecall.run("refresh", "--logs", logs, "--strict", exit_code=3)
    assert (
        "--strict does not allow 1 file skipped, 2 records rejected: see the lines above."
        in done.stderr
    )
    assert "Rejected 2 records without a valid time in AWSLogs/" in done.stdout
    assert rolecall.query("select count(*) from events") == [(1,)]


def test_another_log_folder_needs_add_logs(rolecall: Rolecall, tmp_path: Path) -> None:
    for name, number in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.json").write_text(json.dumps([event(number)]))
    rolecall.refresh(tmp_path / "one")
    done = rolecall.run("refresh", "--logs", tmp_path / "two", exit_code=1)
    assert "use --add-logs if its logs belong here too" in done.stderr
    assert rolecall.query("select count(*) from events") == [(1,)]
    rolecall.refresh(tmp_path / "two", "--add-logs")
    assert rolecall.query("select count(*) from events") == [(2,)]
    # Both are remembered now: a refresh that names none reads both.
    (tmp_path / "one" / "more.json").write_text(json.dumps([event(3)]))
    assert "1 new event" in rolecall.run("refresh").stdout


def test_a_single_file_lets_no_other_of_its_folder_in(rolecall: Rolecall, tmp_path: Path) -> None:
    logs = tmp_path / "loose"
    logs.mkdir()
    for number in (1, 2):
        (logs / f"{number}.json").write_text(json.dumps([event(number)]))
    assert "Loaded 1 log file: 1 new event." in rolecall.refresh(logs / "1.json")
    for command in (("refresh",), ("refresh", "--logs", logs / "1.json")):
        assert "Nothing new to load." in rolecall.run(*command).stdout
    for other in (logs, logs / "2.json"):
        done = rolecall.run("refresh", "--logs", other, exit_code=1)
        assert f"was loaded from {logs / '1.json'}, not from {other}: use --add-logs" in done.stderr
    (logs / "1.json").write_text(json.dumps([event(1), event(3)]))
    assert "Loaded 1 log file: 1 new event." in rolecall.run("refresh").stdout
    # The folder, let in, has one file more: the key of the first is the same below it.
    assert "Loaded 1 log file: 1 new event." in rolecall.refresh(logs, "--add-logs")
    assert "Nothing new to load." in rolecall.run("refresh").stdout
    assert rolecall.query("select log_file from log_files order by 1") == [("1.json",), ("2.json",)]


def test_a_moved_trail_is_the_same_trail(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    logs.rename(tmp_path / "moved")
    text = rolecall.refresh(tmp_path / "moved", "--add-logs")
    assert "Nothing new to load." in text
    assert rolecall.query("select count(*) from log_files") == [(1,)]


def test_the_database_is_for_its_owner_alone(rolecall: Rolecall, write_log: WriteLog) -> None:
    rolecall.refresh(write_log([event(1)]))
    assert stat.S_IMODE(rolecall.database.stat().st_mode) == 0o600


def test_without_logs_a_refresh_says_what_to_set(rolecall: Rolecall) -> None:
    done = rolecall.run("refresh", exit_code=1)
    assert "set ROLECALL_LOGS (or --logs)" in done.stderr
    done = rolecall.run("refresh", "--logs", "/no/where", exit_code=1)
    assert done.stderr == "Error: The log folder /no/where does not exist.\n"
    assert not rolecall.database.exists()


def test_logs_without_a_record_give_empty_tables(rolecall: Rolecall, write_log: WriteLog) -> None:
    text = rolecall.refresh(write_log([]))
    assert "Loaded 1 log file, 1 empty: 0 new events." in text
    assert rolecall.query("select count(*) from events") == [(0,)]
    assert rolecall.query("select count(*) from role_entries") == [(0,)]
    assert rolecall.run("history").stdout == "No entry matches.\n"


def test_a_file_that_is_not_a_database_is_left_alone(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.database.write_text("precious")
    done = rolecall.run("refresh", "--logs", write_log([event(1)]), exit_code=1)
    assert "rolecall.duckdb cannot be opened" in done.stderr
    assert rolecall.database.read_text() == "precious"


def test_a_database_of_another_kind_is_refused_without_a_download(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    with closing(sqlite3.connect(rolecall.database)) as connection:
        connection.execute("create table events (id)")
    before = rolecall.database.read_bytes()
    for command in (("refresh", "--logs", write_log([event(1)])), ("history",)):
        done = rolecall.run(*command, exit_code=1)
        assert "is not a valid DuckDB database file" in done.stderr
        assert "xtension" not in done.stderr
    assert rolecall.database.read_bytes() == before


@pytest.mark.parametrize("table", ["events", "log_reads", "rolecall_schema"])
def test_a_database_of_another_program_is_refused_in_a_sentence(
    table: str, rolecall: Rolecall, write_log: WriteLog
) -> None:
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute(f"create table {table} as select 1 as id")
    for command in (("refresh", "--logs", write_log([event(1)])), ("history",)):
        done = rolecall.run(*command, exit_code=1)
        assert done.stderr == (
            f"Error: The database has a table {table} that Rolecall did not make:"
            " use another database.\n"
        )
    assert rolecall.query(f"select * from {table}") == [(1,)]


def test_every_kind_of_loose_file_is_loaded(rolecall: Rolecall, tmp_path: Path) -> None:
    logs = tmp_path / "loose logs"
    logs.mkdir()
    late = event(7, eventTime="2026-03-05T12:00:00Z")
    (logs / "records.json").write_text(json.dumps({"Records": [event(1), late]}))
    (logs / "array.json").write_text(json.dumps([event(2)]))
    (logs / "one.json").write_text(json.dumps(event(3), indent=2))
    (logs / "lines.jsonl").write_text(f"{json.dumps(event(4))}\n{json.dumps(event(5))}\n")
    looked_up = {"Events": [{"CloudTrailEvent": json.dumps(event(6))}]}
    (logs / "lookup-events.json").write_text(json.dumps(looked_up, indent=4))
    assert "Loaded 5 log files: 7 new events." in rolecall.refresh(logs)
    days = rolecall.query("select log_file, delivered_date::text from log_files order by 1")
    # Without a day in key or name, the newest record gives it.
    assert (days[0], days[-1]) == (("array.json", "2026-03-01"), ("records.json", "2026-03-05"))
    assert rolecall.query("select delivered_date::text from events where event_id like '%1'") == [
        ("2026-03-05",)
    ]


def test_every_shape_of_a_log_file_is_loaded_and_what_is_not_a_log_is_counted(
    rolecall: Rolecall, tmp_path: Path
) -> None:
    logs = tmp_path / "evidence"
    logs.mkdir()
    texts = [json.dumps(event(number)) for number in range(9)]
    looked_up = {"Events": [{"EventId": "e", "CloudTrailEvent": texts[0]}]}
    (logs / "lookup-events.json").write_text(json.dumps(looked_up, indent=4))
    (logs / "events.json").write_text(json.dumps(looked_up["Events"]))
    (logs / "rows.json").write_text(json.dumps([[text] for text in texts[:2]]))
    (logs / "texts.txt").write_text("\t".join(texts[:3]))
    (logs / "all.json").write_text(json.dumps({"Records": [event(3)]}, indent=1) * 2)
    (logs / "stream.log").write_text(f"2026-03-01T00:00:00.000Z {texts[4]}\n")
    bridged = {"detail-type": "AWS API Call via CloudTrail", "detail": event(5)}
    (logs / "000000.gz").write_bytes(gzip.compress(json.dumps(bridged).encode()))
    name = "111122223333_CloudTrail_us-east-1_20260301T0005Z_a1B2c3D4e5F6g7H8.json"
    folder = logs / "AWSLogs" / "111122223333" / "us-east-1" / "2026" / "03" / "01"
    folder.mkdir(parents=True)
    delivered = json.dumps({"Records": [event(6)]}).encode()
    (folder / name).write_bytes(delivered)
    (folder / f"{name}.gz").write_bytes(gzip.compress(delivered))
    (logs / "search.json").write_text(json.dumps({"_source": event(7)}))
    for other in ("a.zip", "b.zip", "package.json", "notes.txt"):
        (logs / other).write_text('{"name": "x"}')
    text = rolecall.refresh(logs)
    assert "Loaded 8 log files: 7 new events." in text
    look = "its first object has the key _source"
    assert f"Skipped search.json: the file has no list of Records; {look}." in text
    passed_over = (
        "Passed over 4 files that are not CloudTrail logs: 2 .zip, 1 .txt, 1 other JSON.\n"
    )
    assert passed_over in text
    assert rolecall.query(
        "select count(*), sum(record_count), sum(rejected_record_count) from log_files"
        " where status = 'loaded'"
    ) == [(8, 12, 0)]
    again = rolecall.refresh(logs)
    assert "Nothing new to load." in again
    assert passed_over in again


def test_a_folder_without_any_log_ends_the_refresh_at_once(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    done = rolecall.run("refresh", "--logs", nothing, exit_code=1)
    assert done.stderr.startswith(f"Error: The log folder {nothing} has no CloudTrail log: looked")
    assert "found no file at all;" in done.stderr
    (nothing / "logs.zip").write_bytes(b"PK")
    assert "found 1 .zip;" in rolecall.run("refresh", "--logs", nothing, exit_code=1).stderr
    assert [path.name for path in rolecall.folder.iterdir()] == ["nothing"]
    # Nor is it remembered by a database that has others, and a known one may not be without.
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    assert "found 1 .zip;" in (
        rolecall.run("refresh", "--logs", nothing, "--add-logs", exit_code=1).stderr
    )
    assert "Nothing new to load." in rolecall.run("refresh").stdout
    shutil.rmtree(logs / "AWSLogs")
    assert f"The log folder {logs} has no CloudTrail log" in (
        rolecall.run("refresh", exit_code=1).stderr
    )


def test_plain_dbt_loads_and_tests_by_itself(rolecall: Rolecall, write_log: WriteLog) -> None:
    """By the documented command, in a checkout whose files are links."""
    write_log([event(1)])
    for part in ("dbt_project.yml", "profiles.yml", "analyses", "macros", "models", "data_tests"):
        (rolecall.folder / part).symlink_to(PROJECT / part)
    path = f"{Path(sys.executable).parent}{os.pathsep}{rolecall.environment['PATH']}"
    environment = {
        "HOME": str(rolecall.folder),
        "PATH": path,
        "DBT_LOG_PATH": str(rolecall.folder / "dbt-logs"),
    }
    build = documented("CONTRIBUTING.md", "ROLECALL_LOGS=~/logs")
    # The unit tests, which take long, need not pass twice.
    for command in ("build", "test --exclude-resource-type unit_test", "run"):
        done = rolecall.shell(
            build.replace("dbt build", f"dbt {command}"), seconds=300, **environment
        )
        assert done.returncode == 0, done.stdout
        assert "ERROR=0" in done.stdout
        assert "nanobind" not in done.stderr
    assert rolecall.query(COUNTS) == [(1, 1, 0, 0)]
    assert stat.S_IMODE(rolecall.database.stat().st_mode) == 0o600


def test_while_a_refresh_holds_the_database_history_says_who(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([event(1)]))
    with rolecall.held() as holder:
        started = time.monotonic()
        done = rolecall.run("history", exit_code=1, ROLECALL_WAIT_SECONDS="0.5")
        assert f"is held by process {holder.pid}" in done.stderr
        assert time.monotonic() - started > 0.3
        done = rolecall.run(
            "refresh", "--logs", write_log(), exit_code=1, ROLECALL_WAIT_SECONDS="0"
        )
        assert f"is held by process {holder.pid}" in done.stderr
    assert rolecall.run("history").stdout == "No entry matches.\n"


def test_the_malformed_files_of_aws_do_no_harm(rolecall: Rolecall) -> None:
    folder = FIXTURES / "aws__aws-cloudtrail-processing-library"
    text = rolecall.refresh(folder)
    assert "Skipped SerializerTestFileBadJsonFormat.json.gz: the file is not JSON" in text
    (counts,) = rolecall.query(
        """
        select count(*), sum(record_count), sum(rejected_record_count),
        sum(event_count) + sum(copied_record_count) from log_files
        """
    )
    assert counts == (12, 35, 4, 31)
    assert os.listdir(folder)


def test_an_audit_looks_at_more_than_the_load(rolecall: Rolecall, write_log: WriteLog) -> None:
    rolecall.refresh(write_log([event(1)], name="a.json.gz"))
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("insert into events from events")
    later = event(2, eventTime="2026-03-02T00:00:00Z")
    logs = write_log([later], name="b.json.gz", day="2026/03/02")
    assert "1 new event" in rolecall.refresh(logs)
    assert "Nothing new to load." in rolecall.refresh(logs)
    done = rolecall.run("refresh", "--logs", logs, "--audit", exit_code=1)
    assert "primary_key_events_event_id__recipient_account_id" in done.stderr


def test_freshness_comes_from_the_ledger(rolecall: Rolecall, write_log: WriteLog) -> None:
    rolecall.refresh(write_log([event(1)]))
    printed = rolecall.dbt("source", "freshness", ROLECALL_LOGS="/no/where")
    assert "PASS freshness of cloudtrail.cloudtrail_logs" in printed


def test_freshness_before_the_first_load_says_that_nothing_was_loaded(rolecall: Rolecall) -> None:
    printed = rolecall.dbt("source", "freshness")
    assert "Nothing was ever loaded: `rolecall refresh` or `dbt build` loads logs." in printed
    assert "WARN freshness of cloudtrail.cloudtrail_logs" in printed
