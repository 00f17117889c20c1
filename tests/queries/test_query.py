"""`rolecall query`: the project's questions and the user's own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from support.command_line import SAMPLE, Rolecall
from support.logs import WriteLog, event

SWITCH_QUERY = ("query", "switch_role_query", "--format", "json")


def test_the_list_tells_names_descriptions_and_parameters(sample: Rolecall) -> None:
    text = sample.run("query").stdout
    for name in ("role_entry_history", "role_switch_history", "switch_role_query", "preview_raw"):
        assert f"{name}\n" in text
    assert "--param person=  name or ARN of who is behind the sessions" in text
    needed = " ".join(text.partition("switch_role_query\n")[2].split())
    assert "the first day (needed)" in needed
    assert "that received the record (needed without source_account)" in needed
    assert "else the record's identity (needed without account)" in needed


def test_the_query_of_the_athena_console_reads_the_raw_logs(rolecall: Rolecall) -> None:
    # Nothing is loaded, there is no database.
    params = ["--param", "from_day=2026-04-01", "--param", "to_day=2026-04-30"]
    params += ["--param", "account=444455556666", "--logs", str(SAMPLE)]
    rows = json.loads(rolecall.run(*SWITCH_QUERY, *params).stdout)
    assert not rolecall.database.exists()
    last = rows[-1]
    assert list(last)[:3] == ["event_time", "response_elements", "switch_from"]
    assert last["event_time"] == "2026-04-30T21:47:19Z"
    assert last["response_elements"] == '{"SwitchRole":"Success"}'
    assert last["switch_from"] == "arn:aws:iam::111122223333:user/bob"
    # Copies are not folded here: the raw logs have the last switch twice.
    assert len(rows) == 7


def test_the_query_of_the_console_can_ask_whence_a_role_was_entered(rolecall: Rolecall) -> None:
    """By SwitchFrom, and in the account of who left, where a record has none, by its identity."""
    days = ["--param", "from_day=2026-04-01", "--param", "to_day=2026-04-30", "--logs", str(SAMPLE)]

    def received(*params: str) -> list[tuple[str, str]]:
        given = [part for param in params for part in ("--param", param)]
        rows = json.loads(rolecall.run(*SWITCH_QUERY, *days, *given).stdout)
        return sorted((row["event_time"][:10], row["account_id"]) for row in rows)

    assert received("source_account=7777-8888-9999") == [
        ("2026-04-08", "444455556666"),
        ("2026-04-08", "777788889999"),
    ]
    assert received("source_account=123456789012") == [("2026-04-16", "444455556666")]
    both = received("source_account=111122223333", "account=777788889999")
    assert both == [("2026-04-08", "777788889999")]
    # The role's account is not a source account, though the records' identity there is the session.
    assert received("source_account=444455556666") == []


def test_an_empty_answer_from_the_raw_logs_says_whose_records_there_are(
    rolecall: Rolecall,
) -> None:
    days = ["--param", "from_day=2026-04-01", "--param", "to_day=2026-05-02", "--logs", str(SAMPLE)]
    for name, told in (
        (
            "account",
            "The logs of these days have no account 999988887777: they have 111122223333, 4444",
        ),
        (
            "source_account",
            "Nobody came from account 999988887777 on these days: they came from 111122223333,",
        ),
    ):
        done = rolecall.run(*SWITCH_QUERY, *days, "--param", f"{name}=999988887777")
        assert json.loads(done.stdout) == []
        assert told in done.stderr
        assert "covered: there are no logs of account 999988887777 of these days" in done.stderr
    known = rolecall.run(*SWITCH_QUERY, *days, "--param", "account=444455556666")
    assert "no logs after 2026-04-30" in known.stderr
    assert "(by the names of the log files)" in known.stderr
    assert not rolecall.database.exists()


def test_log_files_that_cannot_be_read_cover_no_day_of_the_raw_logs(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    for number in (1, 2, 4):
        at = f"2026-03-0{number}T08:00:00Z"
        write_log([event(number, eventTime=at)], day=f"2026/03/0{number}")
    write_log(day="2026/03/02", name="cut.json.gz", body=b"cut")
    logs = ("--logs", write_log(day="2026/03/03", name="cut.json.gz", body=b"cut"))
    cut = {
        day: f"AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/{day}/cut.json.gz (the"
        for day in ("02", "03")
    }
    switches = (*SWITCH_QUERY, "--param", "account=111122223333", *logs)
    for day, lack, named in (
        ("03", "no logs on 1 of 1 days", ["03"]),
        ("02", "log files left out on 1 of 1 days", ["02", "03"]),
        ("04", None, []),
    ):
        days = ("--param", f"from_day=2026-03-{day}", "--param", f"to_day=2026-03-{day}")
        done = rolecall.run(*switches, *days)
        assert json.loads(done.stdout) == []
        # A record is delivered days late at times.
        assert [each for each in cut if cut[each] in done.stderr] == named
        if lack is None:
            assert done.stderr == ""
        else:
            assert f"Not wholly covered: {lack} (by the names of the log files)" in done.stderr
    # So it is with other questions to the raw logs, and where there are rows.
    told = rolecall.run("query", "preview_raw", *logs).stderr
    assert "no logs on 1 of 4 days; log files left out on 1 of 4 days" in told
    file = tmp_path / "mine.sql"
    file.write_text("select count(*) as n from {{ source('cloudtrail', 'cloudtrail_logs') }}")
    mine = rolecall.run("query", file, *logs)
    assert "The answer is without 2 log files that cannot be read: AWSLogs/" in mine.stderr


def test_an_account_without_a_switch_is_one_that_the_raw_logs_have(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """So is one whose log has no record, or cannot be read."""
    write_log([event(1, eventTime="2026-03-01T08:00:00Z")])
    write_log(account="777788889999")
    logs = write_log(account="444455556666", body=b"cut")
    days = ("--param", "from_day=2026-03-01", "--param", "to_day=2026-03-01", "--logs", logs)
    for account in ("111122223333", "444455556666", "777788889999", "999988887777"):
        told = rolecall.run(*SWITCH_QUERY, *days, "--param", f"account={account}").stderr
        is_there = account != "999988887777"
        assert ("The logs of these days have no account" in told) is not is_there


def test_the_raw_logs_are_read_whatever_is_loaded(sample: Rolecall) -> None:
    params = ["--param", "from_day=2026-03-01", "--param", "to_day=2026-04-30"]
    params += ["--param", "account=111122223333"]
    assert len(json.loads(sample.run(*SWITCH_QUERY, *params).stdout)) == 13


def test_needed_parameters_are_asked_for(sample: Rolecall) -> None:
    done = sample.run("query", "switch_role_query", exit_code=2)
    assert "This query needs a value for from_day: --param from_day=..." in done.stderr
    done = sample.run("query", "preview_raw", "--param", "days=3", exit_code=2)
    assert "There is no parameter 'days' in this query: it has from_day, to_day." in done.stderr
    done = sample.run("query", "preview_raw", "--param", "from_day", exit_code=2)
    assert "--param 'from_day' is not of the form KEY=VALUE." in done.stderr
    days = ["--param", "from_day=2026-05-01", "--param", "to_day=2026-04-30"]
    done = sample.run("query", "access_review", *days, exit_code=2)
    assert "The first day 2026-05-01 is after the last 2026-04-30." in done.stderr
    assert "There is no query 'nope'" in sample.run("query", "nope", exit_code=2).stderr


def test_a_preview_shows_ten_rows_without_secrets(rolecall: Rolecall, write_log: WriteLog) -> None:
    secret = "IQoJb3JpZ2luX2VjEHsaCXVzLWVhc3QtMSJGMEQCIE"
    logs = write_log(
        event(
            number,
            responseElements={"credentials": {"sessionToken": secret, "accessKeyId": "ASIA1"}},
            additionalEventData={"LoginTo": "https://console.aws.amazon.com/?state=s3cret"},
        )
        for number in range(20)
    )
    text = rolecall.run("query", "preview_raw", "--logs", logs, "--format", "csv").stdout
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == 10
    assert table[0]["eventname"] == "ListBuckets"
    assert "ASIA1" in text
    assert secret not in text and "s3cret" not in text


def test_no_secret_of_the_sample_is_stored(sample: Rolecall) -> None:
    for table, columns in (("events", "response_elements"), ("identity_events", "*")):
        dump = str(sample.query(f"select {columns} from {table}"))
        assert "IQoJ" not in dump and "isauthcode" not in dump
    assert "IQoJ" not in sample.database.read_bytes().decode("latin-1")


def test_sql_of_the_user_runs_with_parameters(sample: Rolecall, tmp_path: Path) -> None:
    file = tmp_path / "mine.sql"
    file.write_text(
        "select role_name, count(*) as n from role_switches where source_name = :who"
        " group by 1 order by 1 -- :comment"
    )
    done = sample.run("query", file, "--param", "who=bob", "--format", "csv")
    assert done.stdout == "role_name,n\nAdmin,1\nReadOnly,3\n"
    done = sample.run("query", file, "--param", "who=x' or '1'='1", "--format", "json")
    assert json.loads(done.stdout) == []
    assert "needs a value for who" in sample.run("query", file, exit_code=2).stderr


def test_sql_of_the_user_may_use_jinja(sample: Rolecall, tmp_path: Path) -> None:
    file = tmp_path / "mine.sql"
    file.write_text(
        "{% set table = 'role_switches' %}select count(*) as n, '{{ target.type }}' as engine,"
        " {{ var('late_delivery_days') }} as late from {{ ref(table) }}"
    )
    done = sample.run("query", file, "--format", "csv")
    assert done.stdout == "n,engine,late\n15,duckdb,2\n"
    file.write_text("select count(*) as n from {{ source('cloudtrail', 'cloudtrail_logs') }}")
    assert sample.run("query", file, "--format", "csv").stdout == "n\n132\n"
    file.write_text("select {{ ':n' }} as n")
    assert sample.run("query", file, "--param", "n=3", "--format", "csv").stdout == "n\n3\n"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select * from nothing", "Table with name nothing does not exist"),
        ("selec", "syntax error"),
        ("delete from events", "read-only"),
        ("create table t as select 1", "read-only"),
    ],
)
def test_a_query_that_fails_says_why(
    sample: Rolecall, tmp_path: Path, sql: str, message: str
) -> None:
    (tmp_path / "bad.sql").write_text(sql)
    done = sample.run("query", tmp_path / "bad.sql", exit_code=1)
    assert done.stderr.startswith("Error: The query failed: ")
    assert message in done.stderr


def test_a_missing_file_is_named(sample: Rolecall) -> None:
    assert "There is no file none.sql." in sample.run("query", "none.sql", exit_code=2).stderr


def test_a_file_without_a_query_or_with_several_is_refused(sample: Rolecall) -> None:
    for text, count in (("-- nothing\n", "none"), ("select 1; select 2", "2")):
        (sample.folder / "some.sql").write_text(text)
        done = sample.run("query", "some.sql", exit_code=2)
        assert f"A query is one statement, and this is {count}." in done.stderr


def test_columns_of_one_name_keep_their_values(sample: Rolecall) -> None:
    (sample.folder / "twice.sql").write_text("select 1 as a, 2 as a, $$:b$$ as a")
    done = sample.run("query", "twice.sql", "--format", "json")
    assert json.loads(done.stdout) == [{"a": 1, "a_2": 2, "a_3": ":b"}]


def test_a_database_without_tables_says_how_to_fill_it(rolecall: Rolecall) -> None:
    duckdb.connect(str(rolecall.database)).close()
    done = rolecall.run("history", exit_code=1)
    assert "has no table role_entries yet: build it with `rolecall refresh" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "No log folder is named: set ROLECALL_LOGS (or --logs)"),
        (("--logs", "nowhere"), "The log folder nowhere does not exist."),
    ],
)
def test_raw_logs_that_are_not_there_are_told_in_one_sentence(
    rolecall: Rolecall, options: tuple[str, ...], message: str
) -> None:
    done = rolecall.run("query", "preview_raw", *options, exit_code=1)
    assert done.stderr.startswith(f"Error: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_what_is_not_json_drops_no_record(rolecall: Rolecall, write_log: WriteLog) -> None:
    sign_in = event(
        1,
        eventSource="signin.amazonaws.com",
        eventName="SwitchRole",
        additionalEventData="not json",
        responseElements="{bad",
    )
    assumption = event(
        2,
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        requestParameters="HIDDEN_DUE_TO_SECURITY_REASONS",
    )
    rolecall.refresh(write_log([sign_in, assumption]))
    assert rolecall.query("select event_name, sign_in_outcome from identity_events order by 1") == [
        ("AssumeRole", "unknown"),
        ("SwitchRole", "unknown"),
    ]


def test_what_matches_nothing_is_named(sample: Rolecall) -> None:
    for query, parameter, told in (
        ("session_details", "session_id=zzz", "Nothing has session_id zzz.\n"),
        ("who_touched_this_resource", "resource=nothing", "Nothing has resource nothing.\n"),
    ):
        done = sample.run("query", query, "--param", parameter)
        assert done.stderr.endswith(told)
