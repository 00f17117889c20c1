"""Say what the logs do not cover, so that no rows never pass for nothing happened."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rolecall.output import Result

_NAMED_AT_MOST = 5
# What a day may lack, by the column of `coverage_gaps` that counts such days.
_LACKS = {
    "missing_day_count": "no logs",
    "partial_day_count": "log files left out",
    "archived_day_count": "logs archived in Glacier",
}


def coverage_note(
    gaps: Result, from_day: date | None = None, to_day: date | None = None
) -> str | None:
    """Return a sentence on what of the days asked for is not covered, None if all of it is.

    ``gaps`` has a row per account, as the analysis ``coverage_gaps`` gives them, and others per
    region: those are passed over, since a region without a log may have been idle. One without an
    account stands for files whose names tell none. ``from_day`` and ``to_day`` are in UTC, as days
    of delivery are.
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
    for column, lack in _LACKS.items():
        lacking = sum(account.get(column, 0) for account in seen)
        if lacking:
            days = sum(account["day_count"] for account in seen)
            what = "days" if len(seen) == 1 else f"account days ({len(seen):,} accounts)"
            parts.append(f"{lack} on {lacking:,} of {days:,} {what}")
    if unseen:
        parts.append(f"no logs at all of {_named(unseen)}, which switches or assumptions name")
    if not parts:
        return None
    return f"Not wholly covered: {'; '.join(parts)} (`rolecall query coverage_gaps`)."


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
