"""Say what the logs do not cover, so that no rows never pass for nothing happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

from rolecall.output import Result

NOT_LOOKED_UP = (
    "Which of the days asked for have logs could not be looked up: no rows need not mean that"
    " nothing happened."
)
"""What is said of an answer where no table tells what it covers."""

_NAMED_AT_MOST = 5


BY_TABLE = "`rolecall query coverage_gaps`"
BY_FILE_NAMES = "by the names of the log files"


def coverage_note(
    gaps: Result,
    from_day: date | None = None,
    to_day: date | None = None,
    source: str = BY_TABLE,
) -> str | None:
    """Return a sentence on what of the days asked for is not covered, None if all of it is.

    ``gaps`` has a row per account, as the analysis ``coverage_gaps`` gives them, and others per
    region: those are passed over, since a region without a log may have been idle. One without an
    account stands for files whose names tell none. ``from_day`` and ``to_day`` are in UTC, as days
    of delivery are. ``source`` says where the gaps are told.
    """
    rows = [dict(zip(gaps.columns, row, strict=True)) for row in gaps.rows]
    accounts = [row for row in rows if row["aws_region"] is None and row["account_id"] is not None]
    seen = [account for account in accounts if account["day_count"]]
    unseen = [account["account_id"] for account in accounts if account not in seen]
    if not seen and any(row["account_id"] is None for row in rows):
        return "What is covered cannot be told: the names of the log files tell no account or day."
    with_logs = [account for account in seen if account["first_delivered_date"] is not None]
    if not with_logs:
        return "Not covered: there are no logs of these days."
    first = min(account["first_delivered_date"] for account in with_logs)
    last = max(account["last_delivered_date"] for account in with_logs)
    parts = []
    if from_day is not None and from_day < first:
        parts.append(f"no logs before {first}")
    if to_day is not None and to_day > last:
        parts.append(f"no logs after {last}")
    missing = sum(account["missing_day_count"] for account in seen)
    if missing:
        days = sum(account["day_count"] for account in seen)
        what = "days" if len(seen) == 1 else f"account days ({len(seen):,} accounts)"
        parts.append(f"no logs on {missing:,} of {days:,} {what}")
    if unseen:
        parts.append(f"no logs at all of {_named(unseen)}, which switches or assumptions name")
    if not parts:
        return None
    return f"Not wholly covered: {'; '.join(parts)} ({source})."


def gaps_of_files(
    file_days: Iterable[tuple[str | None, date | None]],
    from_day: date | None = None,
    to_day: date | None = None,
    accounts: Collection[str] = (),
) -> Result:
    """Return what the analysis ``coverage_gaps`` gives for accounts once these files are loaded.

    ``file_days`` has the account and the day of delivery that each log file's name tells, None
    where it tells none; ``accounts`` confines the answer to some, () to none.
    """
    known: dict[str, set[date]] = defaultdict(set)
    are_all_told = True
    for account, day in file_days:
        if account is None or day is None:
            are_all_told = False
        else:
            known[account].add(day)
    asked = {
        account: {
            day
            for day in days
            if (from_day is None or day >= from_day) and (to_day is None or day <= to_day)
        }
        for account, days in known.items()
    }
    covered = set().union(*asked.values())
    rows: list[tuple[object, ...]] = []
    for account in sorted(known.keys() & set(accounts or known)):
        days = asked[account]
        is_confined = from_day is not None or to_day is not None
        expected = covered if is_confined else days
        if not expected:
            continue
        first = min(expected) if from_day is not None else min(known[account])
        count = (max(expected) - first).days + 1
        if count > 0:
            ends = (min(days), max(days)) if days else (None, None)
            rows.append((account, None, *ends, count, count - len(days)))
    if not are_all_told and not accounts:
        rows.append((None, None, None, None, 0, 0))
    return Result(
        [
            *("account_id", "aws_region", "first_delivered_date", "last_delivered_date"),
            *("day_count", "missing_day_count"),
        ],
        ["text", "text", "date", "date", "bigint", "bigint"],
        rows,
    )


def forgotten_note(first_kept: date | None, from_day: date | None) -> str | None:
    """Return a sentence on what of the days asked for `forget` removed, None if none of it.

    The days are in UTC; ``first_kept`` is None if nothing was ever forgotten.
    """
    if first_kept is None:
        return None
    if from_day is not None and from_day >= first_kept:
        return None
    return f"Events before {first_kept} are forgotten."


def _named(accounts: list[str]) -> str:
    more = len(accounts) - _NAMED_AT_MOST
    named = ", ".join(accounts[:_NAMED_AT_MOST])
    return f"{named} and {more:,} more accounts" if more > 0 else named
