"""What is said beside answers: of days without logs, of names that nobody has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml

from rolecall.errors import StaleLogsError
from rolecall.local.log_files import LogFile, find_log_files
from rolecall.local.log_source import RawRead
from rolecall.local.record_batches import FileRead
from rolecall.project.analyses import analyses
from rolecall.queries.coverage import FileDay, coverage_note, gaps_of_files
from rolecall.queries.notes import (
    LONGEST_SESSION,
    Question,
    check_is_recent,
    coverage_parameters,
    newest_log,
    notes_on_names,
)
from rolecall.queries.raw_notes import unread_note
from rolecall.result import Result
from rolecall.trail_layout import KeyFacts
from support.command_line import PROJECT, SAMPLE, Rolecall

UTC = ZoneInfo("UTC")


def question(zone: ZoneInfo = UTC, /, **given: str) -> Question:
    """Return a question of the history."""
    return Question("role_entry_history", analyses()["role_entry_history"].parameters, given, zone)


def test_a_session_without_a_known_end_lasts_as_long_as_the_macro_says() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert timedelta(hours=project["vars"]["longest_session_hours"]) == LONGEST_SESSION


@pytest.mark.parametrize("account", [None, "444455556666", "123456789012"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (None, None),
        ("2026-04-01", "2026-04-30"),
        ("2026-02-01", "2026-03-10"),
        ("2026-04-10", None),
        (None, "2026-03-12"),
        ("2026-06-01", "2026-06-30"),
    ],
)
def test_names_of_files_tell_the_days_that_the_table_tells_once_they_are_loaded(
    sample: Rolecall, first: str | None, last: str | None, account: str | None
) -> None:
    asked = {"from_day": first, "to_day": last, "account": account}
    given = [f"--param={name}={text}" for name, text in asked.items() if text is not None]
    done = sample.run("query", "coverage_gaps", *given, "--format", "csv")
    told = [row.split(",") for row in done.stdout.splitlines()[1:]]
    ((cut,),) = sample.query("select log_file from log_files where status = 'unreadable'")
    files = [
        FileDay(file.facts.account_id, file.facts.delivered_date, file.log_file != cut)
        for file in find_log_files(SAMPLE)
    ]
    from_day, to_day = (day and date.fromisoformat(day) for day in (first, last))
    gaps = gaps_of_files(files, from_day or None, to_day or None, [account] if account else ())
    found = [["" if value is None else str(value) for value in row] for row in gaps.rows]
    # The table has regions, and accounts that are only named, too.
    assert found == [row for row in told if row[1] == "" and row[4] != "0"]


def test_files_whose_names_tell_no_account_leave_the_coverage_unknown() -> None:
    gaps = gaps_of_files([FileDay(None, None)], date(2026, 3, 1), date(2026, 3, 2))
    note = coverage_note(gaps, date(2026, 3, 1), date(2026, 3, 2))
    assert note is not None and note.startswith("What is covered cannot be told")


def test_accounts_without_logs_are_named() -> None:
    days = date(2026, 3, 1), date(2026, 3, 2)
    nothing = gaps_of_files([], *days, ["999988887777"])
    note = coverage_note(nothing, *days, asked_accounts=["999988887777"])
    assert note == "Not covered: there are no logs of account 999988887777 of these days."
    assert coverage_note(nothing, *days) == "Not covered: there are no logs of these days."
    named_alone = Result(nothing.columns, nothing.types, [("444", None, None, None, 0, 0, 0, 0)])
    note = coverage_note(named_alone, *days, asked_accounts=["444"])
    assert note is not None and note.startswith("Not wholly covered: no logs at all of 444, which")


def test_a_day_of_which_a_file_could_not_be_read_is_not_whole() -> None:
    """If no file of it was read, it has no logs; a file that was not read counts for its span."""
    account, cut = "444455556666", False
    files = [
        *(FileDay(account, date(2026, 3, day)) for day in (2, 3)),
        *(FileDay(account, date(2026, 3, day), cut) for day in (3, 4)),
    ]
    gaps = gaps_of_files(files, date(2026, 3, 2), date(2026, 3, 4))
    assert gaps.rows == [(account, None, date(2026, 3, 2), date(2026, 3, 4), 3, 1, 1, 0)]


def test_what_a_question_passed_over_is_named_where_it_may_matter() -> None:
    def read(key: str, account: str | None, day: int | None) -> FileRead:
        facts = KeyFacts(account, None, None if day is None else date(2026, 3, day))
        return FileRead(LogFile(key, key, "logs", facts, 1, 1), "unreadable", "it is cut", None)

    unreadable = [read("a\x1b", None, None), read("b", "1" * 12, 3), read("c", "2" * 12, 3)]
    scans = [RawRead(0, unreadable), RawRead(0, unreadable[:1])]
    mark = "\N{REPLACEMENT CHARACTER}"
    told = "The answer is without {} log files that cannot be read: {}."
    assert unread_note(scans) == told.format(
        3, f"a{mark} (it is cut), b (it is cut), c (it is cut)"
    )
    of_one = unread_note(scans, "1" * 12, date(2026, 3, 3), date(2026, 3, 3))
    assert of_one == told.format(2, f"a{mark} (it is cut), b (it is cut)")
    assert unread_note([RawRead(0, unreadable[1:])], None, date(2026, 3, 4)) is None
    many = [RawRead(0, [read(f"{number}", None, None) for number in range(9)])]
    assert str(unread_note(many)).endswith("4 (it is cut) and 4 more.")
    assert unread_note([RawRead(0), RawRead(7)]) == (
        "The log files were read only until there were rows enough."
    )
    assert unread_note([RawRead(0)]) is None


def test_the_window_of_a_moment_begins_with_the_longest_session() -> None:
    at = question(active_at="2026-03-02T11:59:00Z", account="444455556666")
    assert coverage_parameters(at) == {
        "from_day": "2026-03-01",
        "to_day": "2026-03-02",
        "account": "444455556666",
        "source_account": None,
    }
    # Days are days of the zone; what is after the newest log is told by the newest log.
    tokyo = question(ZoneInfo("Asia/Tokyo"), active_at="2026-03-02T16:00:00Z")
    asked = coverage_parameters(tokyo)
    assert (asked["from_day"], asked["to_day"]) == ("2026-03-02", "2026-03-03")
    stale = coverage_parameters(at, datetime(2026, 2, 20, 8))
    assert (stale["from_day"], stale["to_day"]) == ("2026-02-20", "2026-02-20")


def test_the_newest_log_is_that_of_the_account_that_is_asked_about_where_it_has_any() -> None:
    newest = {"1" * 12: datetime(2026, 3, 9), "2" * 12: datetime(2026, 3, 1)}

    def ask(name: str, given: Mapping[str, str | None]) -> Result:
        rows = [
            (account, time)
            for account, time in newest.items()
            if given.get("account") in (None, account)
        ]
        return Result(["account_id", "newest_event_at"], ["text", "timestamp"], rows)

    at = {"active_at": "2026-03-09T00:00:00Z"}
    assert newest_log(question(**at), ask) == datetime(2026, 3, 9)
    of_account = question(**at, account="2" * 12)
    assert newest_log(of_account, ask) == datetime(2026, 3, 1)
    with pytest.raises(StaleLogsError, match=r"The newest log is of 2026-03-01 00:00:00 UTC"):
        check_is_recent(of_account, newest_log(of_account, ask))
    # Its logs are nobody's to end: roles of it are entered from other accounts.
    assert newest_log(question(**at, account="3" * 12), ask) == datetime(2026, 3, 9)
    newest.clear()
    with pytest.raises(StaleLogsError, match=r"There are no logs"):
        check_is_recent(question(**at), newest_log(question(**at), ask))


def test_names_out_of_the_logs_are_text_and_bounded() -> None:
    long, wild = "n" * 100, "\x1b[2Jbob\N{RIGHT-TO-LEFT OVERRIDE}"
    rows = [("role", long, 9, 12), ("role", wild, 2, 12)]

    def ask(name: str, given: Mapping[str, str | None]) -> Result:
        assert given == {"role": "Admn\x07"}
        columns = ["kind", "known_name", "entry_count", "name_count"]
        return Result(columns, ["text", "text", "bigint", "bigint"], rows)

    mark = "\N{REPLACEMENT CHARACTER}"
    assert notes_on_names(question(role="Admn\x07", mfa="no"), ask) == [
        f"No role is named Admn{mark}: there are {'n' * 63}…, {mark}[2Jbob{mark} and 10 more."
    ]
    assert notes_on_names(question(mfa="no"), ask) == []
