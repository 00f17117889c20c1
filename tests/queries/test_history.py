"""`rolecall history`: filters, days, formats and how it looks."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from rich.cells import cell_len

from rolecall.commands.history import history
from rolecall.output.history import columns
from rolecall.project.analyses import analyses
from rolecall.queries.session import WORDS_FOR_HOW
from support.command_line import PROJECT, Rolecall
from support.logs import WriteLog, event
from trail_writer import Ids, Role, Session, Shapes, User


def rows(sample: Rolecall, *options: str, **environment: str) -> list[dict[str, Any]]:
    """Return the history as a list of objects."""
    done = sample.run("history", "--format", "json", *options, exit_code=0, **environment)
    history: list[dict[str, Any]] = json.loads(done.stdout)
    return history


def deliver(write_log: WriteLog, days: Iterable[int], **place: str) -> Path:
    """Write a log file on each of some days of March 2026, and return the folder."""
    for day in days:
        logs = write_log([event(day)], day=f"2026/03/{day:02d}", **place)
    return logs


def test_an_account_whose_logs_end_early_is_not_covered_by_the_others(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = deliver(write_log, range(1, 21))
    deliver(write_log, range(1, 6), account="444455556666")
    # A region that is seldom used is not a gap of the account.
    for number in (1, 10):
        write_log([event(50 + number)], day=f"2026/03/{number:02d}", region="eu-west-1")
    rolecall.refresh(logs)
    of_window = rolecall.run("history", "--from", "2026-03-01", "--to", "2026-03-20").stderr
    assert "Not wholly covered: no logs on 15 of 40 account days (2 accounts) (" in of_window
    after = rolecall.run("history", "--from", "2026-03-06", "--to", "2026-03-21").stderr
    assert "no logs after 2026-03-20; no logs on 15 of 30 account days (2 accounts) (" in after
    assert "covered" not in rolecall.run("history").stderr
    # An account lacks days whether or not others are asked about, and also up to no given end.
    for end in ((), ("--to", "2026-03-20")):
        for first, lacks in (
            ("05", "15 of 32 account days (2 accounts)"),
            ("06", "15 of 30 account days (2 accounts)"),
        ):
            told = rolecall.run("history", "--from", f"2026-03-{first}", *end).stderr
            assert f"Not wholly covered: no logs on {lacks} (" in told
    alone = ("--account", "444455556666")
    open_end = rolecall.run("history", "--from", "2026-03-05", *alone).stderr
    assert "Not wholly covered: no logs on 15 of 16 days (" in open_end
    open_end = rolecall.run("history", "--from", "2026-03-06", *alone).stderr
    assert open_end == "Not covered: there are no logs of account 444455556666 of these days.\n"
    # Whoever asks is shown it: nobody knows whether it was idle.
    window = ("--param", "from_day=2026-03-04", "--format", "csv")
    assert rolecall.run("query", "coverage_gaps", *window).stdout.splitlines()[1:] == [
        "111122223333,,2026-03-04,2026-03-20,17,0,0,0",
        "111122223333,eu-west-1,2026-03-04,2026-03-10,7,6,0,0",
        "444455556666,,2026-03-04,2026-03-05,17,15,0,0",
    ]


def test_an_account_that_appears_late_lacks_no_days_before_unless_they_are_asked_for(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    deliver(write_log, range(8, 11), account="444455556666")
    rolecall.refresh(deliver(write_log, range(1, 11)))
    for last in ("07", "08"):
        assert rolecall.run("history", "--to", f"2026-03-{last}").stderr == ""
    asked = rolecall.run("history", "--from", "2026-03-01", "--to", "2026-03-08").stderr
    assert "no logs on 7 of 16 account days (2 accounts) (" in asked
    alone = rolecall.run("history", "--to", "2026-03-07", "--account", "444455556666").stderr
    assert alone == "Not covered: there are no logs of account 444455556666 of these days.\n"


def test_a_day_of_which_a_file_was_left_out_is_not_covered(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """Whatever other regions have; nor is one of which no file of a region could be read."""
    deliver(write_log, range(1, 5))
    write_log(day="2026/03/02", name="cut.json.gz", body=b"cut")
    write_log(day="2026/03/05", name="cut.json.gz", body=b"cut")
    rolecall.refresh(deliver(write_log, range(1, 6), region="eu-west-1"))
    assert rolecall.query("select status, count(*) from log_coverage group by 1 order by 1") == [
        ("logged", 8),
        ("no logs", 1),
        ("partial", 1),
    ]
    window = ("--from", "2026-03-01", "--to", "2026-03-05")
    assert rolecall.run("history", *window).stderr == (
        "Not wholly covered: log files left out on 2 of 5 days (`rolecall query coverage_gaps`).\n"
    )
    rows = rolecall.run("query", "coverage_gaps", "--format", "csv").stdout.splitlines()
    assert rows[1:] == [
        "111122223333,,2026-03-01,2026-03-05,5,0,2,0",
        "111122223333,us-east-1,2026-03-01,2026-03-05,5,1,1,0",
    ]


def test_days_in_glacier_are_not_covered(rolecall: Rolecall, write_log: WriteLog) -> None:
    """As the table of a refresh on Athena would have them."""
    rolecall.refresh(deliver(write_log, range(3, 6)))
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute(
            """
            insert into archived_logs by name
            select
                'AWSLogs/' as log_root, '111122223333' as account_id, region as aws_region,
                day as delivered_date, true as is_archived, 'x' as load_id,
                timestamp '2026-03-09 00:00:00' as loaded_at
            from (
                values ('us-east-1', date '2026-03-01'), ('us-east-1', date '2026-03-03'),
                    ('eu-west-1', date '2026-03-04')
            ) as days (region, day)
            """
        )
    rolecall.dbt("run", "--select", "covered_days+")
    window = ("--from", "2026-03-01", "--to", "2026-03-05")
    assert rolecall.run("history", *window).stderr == (
        "Not wholly covered: no logs on 1 of 5 days; logs archived in Glacier on 3 of 5 days"
        " (`rolecall query coverage_gaps`).\n"
    )


def test_days_of_a_time_zone_need_the_logs_of_all_days_in_utc_that_they_touch(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(deliver(write_log, range(1, 11)))

    def said(first: int, last: int, zone: str) -> str:
        window = ("--from", f"2026-03-{first:02d}", "--to", f"2026-03-{last:02d}")
        return rolecall.run("history", *window, "--timezone", zone).stderr

    def days(first: int, last: int, zone: str) -> str:
        window = (f"from_day=2026-03-{first:02d}", "--param", f"to_day=2026-03-{last:02d}")
        options = ("--timezone", zone, "--format", "csv")
        asked = rolecall.run("query", "coverage_gaps", "--param", *window, *options)
        return asked.stdout.splitlines()[1]

    whole = {"Asia/Tokyo": (2, 10), "UTC": (1, 10), "America/New_York": (1, 9)}
    for zone, (first, last) in whole.items():
        assert said(first, last, zone) == ""
        assert "no logs after 2026-03-10 (" in said(first, last + 1, zone)
    assert "no logs before 2026-03-01 (" in said(1, 10, "Asia/Tokyo")
    assert days(5, 6, "Asia/Tokyo") == "111122223333,,2026-03-04,2026-03-06,3,0,0,0"
    assert days(5, 6, "UTC") == "111122223333,,2026-03-05,2026-03-06,2,0,0,0"
    assert days(5, 6, "America/New_York") == "111122223333,,2026-03-05,2026-03-07,3,0,0,0"


def test_a_window_that_begins_before_what_is_kept_is_told_of_what_is_forgotten(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(deliver(write_log, range(1, 9)))
    window = ("--from", "2026-03-01", "--to", "2026-03-08")
    assert rolecall.run("history", *window).stderr == ""
    rolecall.run("forget", "--before", "2026-03-04")
    told = "Events before 2026-03-04 are forgotten.\n"
    assert rolecall.run("history", *window).stderr == told
    assert rolecall.run("history", "--to", "2026-03-02").stderr == told
    kept = ("--from", "2026-03-04", "--timezone")
    assert rolecall.run("history", *kept, "Asia/Tokyo").stderr == told
    for zone in ("UTC", "America/New_York"):
        assert rolecall.run("history", *kept, zone).stderr == ""
    assert rolecall.run("history").stderr == ""


def test_an_account_that_is_only_named_has_one_row_without_days(sample: Rolecall) -> None:
    rows = sample.run("query", "coverage_gaps", "--format", "csv").stdout.splitlines()
    assert [row for row in rows if row.startswith("123456789012,")] == ["123456789012,,,,0,0,0,0"]


def test_loose_files_of_several_accounts_are_no_gap(rolecall: Rolecall, tmp_path: Path) -> None:
    """Their names tell no account and no day: nothing is claimed of either."""
    logs = tmp_path / "loose"
    logs.mkdir()
    records = [event(1), event(2, recipientAccountId="444455556666", awsRegion="eu-west-1")]
    (logs / "all.json").write_text(json.dumps({"Records": records}))
    told = "What is covered cannot be told: the names of the log files tell no account or day."
    assert told in rolecall.run("refresh", "--logs", logs).stderr
    window = ("--from", "2026-03-01", "--to", "2026-03-01")
    assert told in rolecall.run("history", *window).stderr


def test_history_tells_who_entered_oldest_first(sample: Rolecall) -> None:
    history = rows(sample)
    assert len(history) == 17
    assert history == sorted(history, key=lambda row: row["entered_at"])
    last = history[-1]
    assert (last["entered_at"], last["actor_name"], last["role_name"]) == (
        "2026-04-30T21:47:19Z",
        "bob",
        "ReadOnly",
    )


def test_the_history_of_switches_is_that_of_the_console_alone(sample: Rolecall) -> None:
    switches = rows(sample, "--switches")
    assert len(switches) == 15
    assert {row["how"] for row in switches} == {"console switch"}
    assert rows(sample, "--how", "console switch") == switches
    others = rows(sample, "--how", "assume role", "--how", "identity center")
    assert [row["how"] for row in others] == ["identity center", "assume role"]
    together = sorted(switches + others, key=lambda row: (row["entered_at"], row["entry_id"]))
    assert together == rows(sample)
    assert rows(sample, "--how", "saml") == []


def test_the_sample_has_every_kind_of_switch(sample: Rolecall) -> None:
    history = rows(sample, "--switches")
    assert {row["seen_in"] for row in history} == {
        "both accounts",
        "role account",
        "source account",
    }
    assert {row["mfa"] for row in history} == {"yes", "no"}
    assert {row["mfa_evidence"] for row in history} == {
        "assume role",
        "session activity",
        "identity center sign-in",
    }
    assert {row["outcome"] for row in history} == {"success", "failure"}
    assert {row["actor_type"] for row in history} == {"iam user", "identity center user"}


def test_entries_of_workloads_are_counted_below_and_shown_when_asked_for(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    shapes, at = Shapes(Ids(7)), datetime(2026, 3, 1, 9, tzinfo=UTC)
    ops = Role("Ops", "111122223333", "AROAEXAMPLEOPS0000000")
    jobs = [
        shapes.assume_role_with_web_identity(
            at + timedelta(minutes=number),
            Session(ops, f"job{number}", at + timedelta(minutes=number), False, f"ASIAJOB{number}"),
            *("us-east-1", "192.0.2.1", "token.actions.githubusercontent.com"),
            "repo:example/site:ref:refs/heads/main",
        )
        for number in range(3)
    ]
    zoe = Session(User("zoe", "111122223333", "AIDAEXAMPLEZOE0000000"), "", at, True, "AKIAZOE")
    hers = Session(ops, "borrowed", at + timedelta(hours=1), True, "ASIAZOE", "alice")
    refused = shapes.refused_assume_role(at + timedelta(hours=2), zoe, ops, "us-east-1")
    entered = shapes.assume_role(
        hers.created_at, zoe, hers, "us-east-1", console=False, ip="192.0.2.2"
    )
    rolecall.refresh(write_log([*jobs, *entered, refused]))

    shown = rolecall.run("history")
    assert [line[17:20] for line in shown.stdout.splitlines()[1:3]] == ["zoe", "zoe"]
    aside = "3 entries of workloads are left out: --workloads shows them.\n"
    assert shown.stdout.endswith(aside)
    assert aside in rolecall.run("history", "--format", "csv").stderr
    everything = rolecall.run("history", "--workloads")
    assert len(everything.stdout.splitlines()) >= 1 + 5
    assert "left out" not in everything.stdout + everything.stderr
    assert len(rows(rolecall, "--workloads", "--how", "web identity")) == 3
    nobody = rolecall.run("history", "--how", "web identity").stdout
    assert nobody == f"No entry matches.\n{aside}"
    assert rolecall.run("history", "--user", "zoe").stdout.count("left out") == 0

    (failure,) = rows(rolecall, "--outcome", "failure")
    assert (failure["how"], failure["actor_name"], failure["session_id"]) == (
        *("assume role", "zoe"),
        None,
    )
    # What she called the session, and herself, finds her too, here and in other questions.
    for name in ("borrowed", "alice", "zoe"):
        found = rows(rolecall, "--user", name, "--outcome", "success")
        assert [(row["actor_name"], row["source_identity"]) for row in found] == [("zoe", "alice")]
        asked = ("query", "what_did_this_person_do", "--param", f"person={name}")
        done = json.loads(rolecall.run(*asked, "--format", "json").stdout)
        assert [(row["actor_name"], row["role_session_name"]) for row in done] == [
            ("zoe", "borrowed")
        ]


def test_each_way_in_has_a_name_that_can_be_asked_for_and_words() -> None:
    text = (PROJECT / "models" / "marts" / "role_sessions.yml").read_text(encoding="utf-8")
    (values,) = [
        test["allowed_values"]["arguments"]["values"]
        for test in yaml.safe_load(text)["models"][0]["data_tests"]
        if "allowed_values" in test
    ]
    ways = values["start_method"]
    assert list(analyses()["role_entry_history"].parameters["how"].choices) == ways
    (option,) = [option for option in history.params if option.name == "how"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == ways
    assert list(WORDS_FOR_HOW) == ways


@pytest.mark.parametrize(
    ("actor", "confidence", "shown"),
    [
        ("alice", "certain", "alice"),
        ("alice", "likely", "alice"),
        ("release-4711", "guess", "release-4711 (guess)"),
        (None, None, "unknown (logged as bob)"),
    ],
)
def test_a_guess_is_shown_as_one(actor: str | None, confidence: str | None, shown: str) -> None:
    who = next(column for column in columns(ZoneInfo("UTC")) if column.title == "who")
    row = {"actor_name": actor, "actor_confidence": confidence, "source_name": "bob"}
    assert who.shows(row) == shown


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--from", "2026-04-30", "--to", "2026-04-30"), 1),
        (("--from", "2026-03-03", "--to", "2026-03-03"), 2),
        (("--to", "2026-03-31"), 6),
        (("--from", "2026-05-01"), 0),
        (("--account", "777788889999"), 4),
        (("--account", " 7777-8888-9999"), 4),
        (("--source-account", "7777 8888 9999"), 1),
        (("--source-account", "123456789012"), 1),
        (("--source-account", "111122223333", "--account", "777788889999"), 3),
        (("--account", "777788889998"), 0),
        (("--user", "ALICE"), 8),
        (("--user", "ali"), 0),
        (("--user", "*@example.com"), 2),
        (("--user", "release-4711"), 1),
        (("--user", "arn:aws:iam::111122223333:user/operations/carol"), 2),
        (("--role", "admin"), 4),
        (("--role", "*role/delivery/*"), 2),
        (("--role", "%"), 0),
        (("--outcome", "failure"), 1),
        (("--mfa", "not asserted"), 0),
        (("--mfa", "no", "--user", "bob", "--outcome", "success"), 3),
        (("--user", "o'brien"), 0),
    ],
)
def test_filters_narrow_the_history(sample: Rolecall, options: tuple[str, ...], count: int) -> None:
    assert len(rows(sample, *options)) == count


def test_the_history_knows_who_is_behind_a_chain_and_what_was_done(sample: Rolecall) -> None:
    day = ("--from", "2026-04-08", "--to", "2026-04-08")
    (row,) = rows(sample, *day, "--source-account", "777788889999")
    assert (row["source_name"], row["actor_name"], row["actor_method"]) == (
        "alice",
        "alice",
        "chain",
    )
    assert row["source_arn"] == "arn:aws:sts::777788889999:assumed-role/Developer/alice"
    counts = [row[name] for name in ("action_count", "write_count", "denied_count")]
    assert counts == [2, 0, 0]
    by_arn = rows(sample, "--user", "arn:aws:iam::111122223333:user/alice")
    assert row["role_switch_id"] in {other["role_switch_id"] for other in by_arn}


@pytest.mark.parametrize(
    ("at", "roles"),
    [
        ("2026-03-03T08:05:39Z", []),
        ("2026-03-03T08:05:40Z", ["Admin"]),
        ("2026-03-03T09:20:54Z", ["Admin"]),  # beyond its expiry, which a renewal moved
        ("2026-03-03T09:20:55Z", []),  # left
        ("2026-03-03T09:31:08Z", ["Deploy"]),
        ("2026-03-03T10:31:08Z", []),  # expired
        ("2026-04-08T12:15:00+02:00", ["Developer", "ReadOnly"]),
        ("2026-04-08T10:20:00Z", ["Developer", "ReadOnly", "Deploy"]),
    ],
)
def test_active_shows_who_is_in_a_role(sample: Rolecall, at: str, roles: list[str]) -> None:
    assert [row["role_name"] for row in rows(sample, "--active", "--at", at)] == roles


def test_who_is_in_a_role_is_not_said_from_logs_that_end_a_day_before(sample: Rolecall) -> None:
    newest = "The newest log is of 2026-04-30 21:47:19 UTC"
    refused = sample.run("history", "--active", exit_code=1).stderr
    assert refused.startswith(f"Error: {newest}, more than a day before ")
    assert len(refused.splitlines()) == 1
    just = ("history", "--active", "--at")
    assert sample.run(*just, "2026-05-01T21:47:19Z").stderr.startswith(f"{newest}.\n")
    sample.run(*just, "2026-05-01T21:47:20Z", exit_code=1)
    done = sample.run("history", "--active", "--stale")
    assert done.stdout == "No entry matches.\n"
    assert done.stderr.startswith(f"{newest}.\n")
    # Of an account the newest log is its own.
    of_account = (*just, "2026-04-24T12:00:00Z", "--account", "7777-8888-9999")
    assert "is of 2026-04-21 09:15:05 UTC, more" in sample.run(*of_account, exit_code=1).stderr
    active = ("query", "active_sessions", "--param")
    asked = sample.run(*active, "active_at=2026-05-02T00:00:00Z", exit_code=1)
    assert asked.stderr.startswith(f"Error: {newest}, more than a day before 2026-05-02 00:00:00")
    assert sample.run(*active, "active_at=2026-05-02T00:00:00Z", "--stale").stdout != ""
    told = sample.run(*active, "active_at=2026-04-30T22:00:00Z").stderr
    assert told.startswith(f"{newest}.\nNot wholly covered: no logs")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("history", "--account", "9999-8888-7777"),
            "The logs have no account 9999-8888-7777: they have 111122223333, 444455556666,"
            " 777788889999, 123456789012.",
        ),
        (
            ("history", "--source-account", "999988887777"),
            "Nobody came from account 999988887777: they came from 111122223333, 123456789012,"
            " 444455556666, 777788889999.",
        ),
        (
            ("history", "--user", "alicia", "--role", "Amin", "--from", "2026-04-01"),
            "Nobody is named alicia: there are alice, bob, carol, dana@example.com, support.\n"
            "No role is named Amin: there are ReadOnly, Admin, Developer, Deploy,"
            " AWSReservedSSO_Operations_0a1b2c3d4e5f6071, PartnerAccess.",
        ),
        (
            ("query", "what_did_this_person_do", "--param", "person=arn:*:user/zoe"),
            "Nobody is named arn:*:user/zoe: there are alice, bob, carol,",
        ),
        (
            ("query", "who_used_this_role", "--param", "role=read only"),
            "No role is named read only: there are ReadOnly, Admin,",
        ),
        (
            ("query", "access_review", "--param", "account=999988887777"),
            "The logs have no account 999988887777: they have 111122223333,",
        ),
    ],
)
def test_where_a_name_matches_nothing_it_is_said_what_is_there(
    sample: Rolecall, options: tuple[str, ...], told: str
) -> None:
    assert told in sample.run(*options).stderr


def test_where_each_name_is_somebody_s_nobody_else_is_named(sample: Rolecall) -> None:
    nothing = sample.run("history", "--user", "bob", "--role", "Developer")
    assert nothing.stdout == "No entry matches.\n"
    assert "named" not in nothing.stderr
    something = sample.run("history", "--user", "bob")
    assert "named" not in something.stderr


def test_days_are_days_of_the_time_zone(sample: Rolecall) -> None:
    tokyo = rows(sample, "--from", "2026-05-01", "--timezone", "Asia/Tokyo")
    assert [row["entered_at"] for row in tokyo] == ["2026-05-01T06:47:19+09:00"]
    assert rows(sample, "--from", "2026-05-01", ROLECALL_TIMEZONE="America/New_York") == []


@pytest.mark.parametrize("width", [80, 89, 90, 100, 120, 140, 150, 160, 180, 240])
def test_a_table_fits_the_terminal(sample: Rolecall, width: int) -> None:
    table, _, note = sample.run("history", COLUMNS=str(width)).stdout.partition("\n\n")
    lines = table.splitlines()
    assert len(lines) == 18
    assert note.startswith("No data events are logged there")
    assert max(map(cell_len, lines)) <= width
    header = lines[0]
    whole = set(sample.run("history").stdout.splitlines())
    for title in ("entered at", "who", "how", "role", "role account", "mfa", "actions"):
        assert title in header
    assert header.count("actions") == 1
    # Without a column of its own the outcome of a refused switch stands where its actions would.
    (refused,) = [line for line in lines if line.startswith("2026-04-02 08:01")]
    assert "failure" in refused
    assert ("outcome" in header) == (width >= 90)
    assert ("address" in header) == (width >= 120)
    # Each cell is there as a whole, or ends in an ellipsis.
    complete = sample.run("history", "--format", "json").stdout
    known = set(json.dumps(json.loads(complete))[1:-1].replace('"', " ").split())
    for line in lines[1:]:
        for word in line.split():
            assert (
                word.endswith("…")
                or word in known
                or word[:4] == "2026"
                or word in "-:"
                or (any(word in other for other in whole))
            )
    if width == 240:
        assert "…" not in "".join(lines)
        assert "seen in" in header and "address" in header


def test_a_narrow_table_marks_what_it_cuts(sample: Rolecall) -> None:
    narrow = sample.run("history", "--user", "dana*", COLUMNS="80").stdout
    assert "dana@" in narrow and "…" in narrow
    assert max(map(len, narrow.splitlines())) <= 80


def test_csv_json_and_parquet_have_the_same_rows(sample: Rolecall, tmp_path: Path) -> None:
    history = rows(sample)
    text = sample.run("history", "--format", "csv").stdout
    from_csv = list(csv.DictReader(io.StringIO(text)))
    assert [row["entry_id"] for row in from_csv] == [row["entry_id"] for row in history]
    assert list(from_csv[0]) == list(history[0])
    sample.run("history", "--format", "parquet", "--output", tmp_path / "h.parquet")
    table = pq.read_table(tmp_path / "h.parquet")
    assert table["entry_id"].to_pylist() == [row["entry_id"] for row in history]
    assert str(table.schema.field("entered_at").type) == "timestamp[us, tz=UTC]"


def test_output_goes_to_a_file(sample: Rolecall, tmp_path: Path) -> None:
    done = sample.run("history", "--format", "csv", "--output", tmp_path / "history.csv")
    assert done.stdout == ""
    assert (tmp_path / "history.csv").read_text().startswith("entered_at,how,")


def test_head_makes_no_traceback(sample: Rolecall) -> None:
    command = f"'{sys.executable}' -m rolecall history --format csv; echo exit $? >&2"
    done = sample.shell(f"({command}) | head -1", seconds=60)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (("--from", "2026-04-31"), 2, "'2026-04-31' is not a day of the calendar"),
        (("--from", "april"), 2, "'april' is not a day: write it like 2026-04-30"),
        (("--from", "2026-04-30", "--to", "2026-04-01"), 2, "is after --to"),
        (("--timezone", "Berlin"), 2, "The setting timezone is wrong: 'Berlin' is not a time zone"),
        (("--active", "--at", "noon"), 2, "'noon' is not a moment: write it like"),
        (("--at", "2026-04-30T12:00:00Z"), 2, "--at goes with --active"),
        (("--mfa", "maybe"), 2, "'maybe' is not one of"),
        (("--how", "ssh"), 2, "'ssh' is not one of"),
        (("--switches", "--how", "saml"), 2, "--switches is --how 'console switch'"),
        (("--account", "77778888999"), 2, "'77778888999' is not an account id: it has 12 digits"),
        (("--source-account", "alice"), 2, "'alice' is not an account id"),
        (("--database", "none.duckdb"), 1, "There is no database none.duckdb yet"),
        (("--target", "athena"), 1, "No AWS region is set to use athena in: set AWS_REGION."),
    ],
)
def test_wrong_usage_is_told_in_one_sentence(
    sample: Rolecall, options: tuple[str, ...], exit_code: int, message: str
) -> None:
    done = sample.run("history", *options, exit_code=exit_code)
    assert message in done.stderr
    assert done.stdout == ""


def test_settings_come_by_flag_then_environment_then_file(sample: Rolecall, tmp_path: Path) -> None:
    (tmp_path / "rolecall.toml").write_text(
        f'database = "{sample.database}"\ntimezone = "Asia/Tokyo"\n'
    )
    elsewhere = Rolecall(tmp_path)
    last = ("--from", "2026-05-01")
    assert len(rows(elsewhere, *last)) == 1
    assert rows(elsewhere, *last, ROLECALL_TIMEZONE="UTC") == []
    assert len(rows(elsewhere, *last, "--timezone", "Asia/Tokyo", ROLECALL_TIMEZONE="UTC")) == 1
    (tmp_path / "rolecall.toml").write_text("databse = 'x'\n")
    done = elsewhere.run("history", exit_code=2)
    assert "rolecall.toml has databse, which is not a setting of Rolecall." in done.stderr
    (tmp_path / "rolecall.toml").write_text("database = \n")
    assert "rolecall.toml is not TOML" in elsewhere.run("history", exit_code=2).stderr


def test_services_are_told_to_be_left_out(sample: Rolecall) -> None:
    done = sample.run("history", "--how", "service")
    assert "include_service_sessions" in done.stdout
