"""Say what the logs do not cover, so that no rows never pass for nothing happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from rolecall.result import Result
from rolecall.text import clean, first_of

NOT_LOOKED_UP = (
    "Which of the days asked for have logs could not be looked up: no rows need not mean that"
    " nothing happened."
)
"""What is said of an answer where no table tells what it covers."""

_NAMED_AT_MOST = 5
# What a day may lack, by the column of `coverage_gaps` that counts such days.
_LACKS = {
    "missing_day_count": "no logs",
    "partial_day_count": "log files left out",
    "archived_day_count": "logs archived in Glacier",
}


BY_TABLE = "`rolecall query coverage_gaps`"
BY_FILE_NAMES = "by the names of the log files"


class FileDay(NamedTuple):
    """What the name of a log file tells, None where it tells nothing, and whether it was read."""

    account_id: str | None
    day: date | None
    was_read: bool = True


def coverage_note(
    gaps: Result,
    from_day: date | None = None,
    to_day: date | None = None,
    source: str = BY_TABLE,
    asked_accounts: Collection[str] = (),
) -> str | None:
    """Return a sentence on what of the days asked for is not covered, None if all of it is.

    ``gaps`` has a row per account, as the analysis ``coverage_gaps`` gives them, and others per
    region: those are passed over, since a region without a log may have been idle. One without an
    account stands for files whose names tell none. ``from_day`` and ``to_day`` are in UTC, as days
    of delivery are. ``source`` says where the gaps are told, ``asked_accounts`` are those to which
    the question is confined, () where it is to none.
    """
    rows = [dict(zip(gaps.columns, row, strict=True)) for row in gaps.rows]
    accounts = [row for row in rows if row["aws_region"] is None and row["account_id"] is not None]
    seen = [account for account in accounts if account["day_count"]]
    unseen = [account["account_id"] for account in accounts if account not in seen]
    if not seen and any(row["account_id"] is None for row in rows):
        return "What is covered cannot be told: the names of the log files tell no account or day."
    with_logs = [account for account in seen if account["first_delivered_date"] is not None]
    if not with_logs and unseen:
        return f"Not wholly covered: {_unseen_text(unseen)} ({source})."
    if not with_logs:
        of_accounts = f" of account {' and '.join(asked_accounts)}" if asked_accounts else ""
        return f"Not covered: there are no logs{of_accounts} of these days."
    first = min(account["first_delivered_date"] for account in with_logs)
    last = max(account["last_delivered_date"] for account in with_logs)
    parts = []
    if from_day is not None and from_day < first:
        parts.append(f"no logs before {first}")
    if to_day is not None and to_day > last:
        parts.append(f"no logs after {last}")
    for column, lack in _LACKS.items():
        lacking = sum(account.get(column, 0) for account in seen)
        if lacking:
            days = sum(account["day_count"] for account in seen)
            what = "days" if len(seen) == 1 else f"account days ({len(seen):,} accounts)"
            parts.append(f"{lack} on {lacking:,} of {days:,} {what}")
    if unseen:
        parts.append(_unseen_text(unseen))
    if not parts:
        return None
    return f"Not wholly covered: {'; '.join(parts)} ({source})."


def gaps_of_files(
    file_days: Iterable[FileDay],
    from_day: date | None = None,
    to_day: date | None = None,
    accounts: Collection[str] = (),
) -> Result:
    """Return what the analysis ``coverage_gaps`` gives for accounts once these files are loaded.

    ``file_days`` has a row per log file, its day that of delivery; ``accounts`` confines the answer
    to some, () to none. Names tell of no day whether some of its logs are archived.
    """
    known: dict[str, set[date]] = defaultdict(set)
    read: dict[str, set[date]] = defaultdict(set)
    unread: dict[str, set[date]] = defaultdict(set)
    are_all_told = True
    for account, day, was_read in file_days:
        if account is None or day is None:
            are_all_told = False
        else:
            known[account].add(day)
            (read if was_read else unread)[account].add(day)
    # The days between the first and the last one of an account are known, with logs or not.
    spans = {
        account: _within(min(days), max(days), from_day, to_day) for account, days in known.items()
    }
    covered = [day for span in spans.values() if span is not None for day in span]
    rows: list[tuple[object, ...]] = []
    for account in sorted(known.keys() & set(accounts or known)):
        span = spans[account]
        first = min(known[account]) if from_day is None else min(covered, default=date.max)
        is_open = from_day is None and to_day is None
        last = max(known[account]) if is_open else max(covered, default=date.min)
        if first <= last:
            count = (last - first).days + 1
            with_logs = {day for day in read[account] if span and span[0] <= day <= span[1]}
            partial = len(with_logs & unread[account])
            missing = count - len(with_logs)
            rows.append((account, None, *(span or (None, None)), count, missing, partial, 0))
    if not are_all_told and not accounts:
        rows.append((None, None, None, None, 0, 0, 0, 0))
    return Result(
        [
            *("account_id", "aws_region", "first_delivered_date", "last_delivered_date"),
            *("day_count", "missing_day_count", "partial_day_count", "archived_day_count"),
        ],
        ["text", "text", "date", "date", "bigint", "bigint", "bigint", "bigint"],
        rows,
    )


def _within(
    first: date, last: date, from_day: date | None, to_day: date | None
) -> tuple[date, date] | None:
    """Return the first and the last of the days that are in a window, None if none is."""
    first, last = max(first, from_day or first), min(last, to_day or last)
    return (first, last) if first <= last else None


def forgotten_note(first_kept: date | None, from_day: date | None) -> str | None:
    """Return a sentence on what of the days asked for `forget` removed, None if none of it.

    The days are in UTC; ``first_kept`` is None if nothing was ever forgotten.
    """
    if first_kept is None:
        return None
    if from_day is not None and from_day >= first_kept:
        return None
    return f"Events before {first_kept} are forgotten."


def _unseen_text(accounts: list[str]) -> str:
    # They are out of the logs, which may have anything in the place of an account id.
    named = first_of([*map(clean, accounts)], _NAMED_AT_MOST, noun="accounts")
    return f"no logs at all of {named}, which switches or assumptions name"
