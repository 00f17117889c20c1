"""What is said beside an answer that was read from the log files on this machine themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from rolecall.days import Days
from rolecall.local.log_files import LogFile
from rolecall.local.log_source import RawRead
from rolecall.local.record_batches import FileRead
from rolecall.parameters import account_id, utc_days
from rolecall.project.location import project_variables
from rolecall.queries.coverage import BY_FILE_NAMES, FileDay, coverage_note, gaps_of_files
from rolecall.queries.notes import Ask, Question, coverage_parameters, notes_on_names
from rolecall.result import Result
from rolecall.text import clean, first_of, plural

_NAMED_AT_MOST = 5


def notes_on_files(
    question: Question,
    reads: Sequence[RawRead],
    files: Collection[LogFile],
    ask: Ask,
    *,
    is_empty: bool,
) -> Iterator[str]:
    """Yield sentences on what the log files do not tell a question of ``analyses/``.

    ``reads`` says how far they were read for it, ``files`` are those that there are. What could not
    be read covers no day. Raises what ``ask`` raises.
    """
    given = coverage_parameters(question)
    first, last = utc_days(given["from_day"], given["to_day"], question.zone)
    unread = unread_note(reads, _account(question, "account"), first, _with_late_days(last))
    if unread is not None:
        yield unread
    unreadable = {failed.file.log_file for failed in _unreadable(reads)}
    file_days = [
        FileDay(file.facts.account_id, file.facts.delivered_date, file.log_file not in unreadable)
        for file in files
        if not file.is_folder
    ]
    ids = {_account(question, name) for name in question.accounts}
    accounts = sorted(account for account in ids if account is not None)
    gaps = gaps_of_files(file_days, first, last, accounts)
    covered = coverage_note(gaps, first, last, BY_FILE_NAMES, accounts)
    if covered is not None:
        yield covered
    if is_empty:
        yield from _notes_on_names(question, file_days, first, _with_late_days(last), ask)


def unread_note(
    reads: Iterable[RawRead],
    account: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> str | None:
    """Return a sentence on what a question passed over of the log files, None if nothing.

    It is confined to files that may have records of ``account`` and were delivered on these days,
    as far as their names tell; None confines it to none.
    """
    problems = {
        failed.file.log_file: failed.problem or ""
        for failed in _unreadable(reads)
        if account in (None, failed.file.facts.account_id or account)
        and _may_be_of(failed.file.facts.delivered_date, Days(first, last))
    }
    parts = []
    if problems:
        named = [
            f"{clean(log_file)} ({clean(problem)})"
            for log_file, problem in sorted(problems.items())
        ]
        parts.append(
            f"The answer is without {plural(len(problems), 'log file')} that cannot be read:"
            f" {first_of(named, _NAMED_AT_MOST)}."
        )
    if any(read.left_count for read in reads):
        parts.append("The log files were read only until there were rows enough.")
    return " ".join(parts) or None


def _notes_on_names(
    question: Question,
    file_days: Iterable[FileDay],
    first: date | None,
    last: date | None,
    ask: Ask,
) -> list[str]:
    """Return who is in the logs of these days, where what was asked for is not.

    The console's own question is the only one to the raw logs that has names.
    """
    days = Days(first, last)
    with_files = {file.account_id for file in file_days if _may_be_of(file.day, days)}
    given = {
        name: text
        for name, text in question.given.items()
        # Without a record that can be read it is an account of the logs all the same.
        if name != "account" or _account(question, name) not in with_files
    }

    bounds = {name: question.given.get(name) for name in ("from_day", "to_day")}

    def ask_files(_: str, values: Mapping[str, str | None]) -> Result:
        return ask("switch_role_accounts", {**bounds, **values})

    return notes_on_names(replace(question, given=given), ask_files, are_of_days=True)


def _unreadable(reads: Iterable[RawRead]) -> Iterator[FileRead]:
    for read in reads:
        yield from read.unreadable


def _account(question: Question, name: str) -> str | None:
    text = question.given.get(name)
    return None if text is None else account_id(text)


def _with_late_days(last: date | None) -> date | None:
    """Return the last day of delivery that a question reads, as its SQL has it."""
    if last is None:
        return None
    return last + timedelta(days=project_variables()["late_delivery_days"])


def _may_be_of(day: date | None, days: Days) -> bool:
    """Return whether a day is one of some, as one that is not known may be."""
    return day is None or days.has(day)
