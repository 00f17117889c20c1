"""The logs of a load that are archived in Glacier: Athena passes them over without a word.

S3 tells them by the storage class in a listing, and Athena skips what is in S3 Glacier Flexible
Retrieval and Deep Archive (Amazon Athena User Guide, "Query restored Amazon S3 Glacier objects").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from rolecall.aws.athena_client import Athena
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.trail_bucket import LogDay, Stock
from rolecall.days import Days

_ONE_DAY = timedelta(days=1)
# Of an account id with its comma, and of the rest of a row; Athena takes 262,144 bytes.
_ACCOUNT_BYTES, _ROW_BYTES, _MOST_BYTES = 13, 150, 150_000
_MOST_ACCOUNTS = 5_000


@dataclass(frozen=True, slots=True)
class ArchivedLogs:
    """What a load found archived and not loaded, by account, region and day of delivery.

    ``files`` counts them; ``changes`` are the days of which the store does not know yet that they
    have such files, or that they have none any more; ``left_out`` are spans of days that have
    nothing else. ``is_known`` says whether the store has a table for them.
    """

    files: Mapping[LogDay, int] = field(default_factory=dict)
    changes: Mapping[LogDay, bool] = field(default_factory=dict)
    left_out: tuple[tuple[date, date], ...] = ()
    is_known: bool = False

    @property
    def days(self) -> list[date]:
        """The days of delivery, oldest first."""
        return sorted({log_day.day for log_day in self.files})

    @property
    def account_count(self) -> int:
        """Of how many accounts they are."""
        return len({log_day.account for log_day in self.files})

    def parts(self) -> list[list[dict[str, object]]]:
        """Return the changes as values of the variable ``archived_logs``, one for a statement."""
        return day_parts(self.changes, "is_archived")


def day_parts(changes: Mapping[LogDay, bool], flag: str) -> list[list[dict[str, object]]]:
    """Return the changed days in parts, one a statement, as ``log_days_from_variable`` takes them.

    Accounts that have the same days of a region share a row.
    """
    days: dict[tuple[str, str, bool, str], list[date]] = defaultdict(list)
    for (root, account, region, day), is_so in changes.items():
        days[root, region, is_so, account].append(day)
    accounts: dict[tuple[str, str, bool, date, date], list[str]] = defaultdict(list)
    for (root, region, is_so, account), found in days.items():
        for first, last in spans_of(found):
            accounts[root, region, is_so, first, last].append(account)
    parts: list[list[dict[str, object]]] = [[]]
    size = 0
    for (root, region, is_so, first, last), found_accounts in sorted(accounts.items()):
        for start in range(0, len(found_accounts), _MOST_ACCOUNTS):
            named = sorted(found_accounts)[start : start + _MOST_ACCOUNTS]
            row_size = _ROW_BYTES + _ACCOUNT_BYTES * len(named)
            if size and size + row_size > _MOST_BYTES:
                parts.append([])
                size = 0
            size += row_size
            parts[-1].append(
                {
                    "root": root,
                    "region": region,
                    "accounts": named,
                    "first_day": f"{first}",
                    "last_day": f"{last}",
                    flag: is_so,
                }
            )
    return parts


def archived_logs(athena: Athena, stock: Stock | None, spans: Sequence[Days]) -> ArchivedLogs:
    """Return what is archived of the logs of some days, of which ``stock`` was listed.

    Raises RolecallError.
    """
    if stock is None:
        return ArchivedLogs()
    known = told_days(athena, "archived_logs", "is_archived")
    loaded = _loaded_files(athena, stock.archived) if stock.archived else frozenset()
    files = {
        log_day: count
        for log_day, keys in stock.archived.items()
        if (count := sum(_log_file(key, log_day) not in loaded for key in keys))
    }
    looked_at = {log_day for log_day in known or () if any(_has(days, log_day) for days in spans)}
    changes = dict.fromkeys(files.keys() - (known or set()), True) | dict.fromkeys(
        looked_at - files.keys(), False
    )
    unreadable_days = {log_day.day for log_day in stock.archived} - stock.readable_days
    return ArchivedLogs(
        files,
        changes,
        () if stock.has_dateless else tuple(spans_of(unreadable_days)),
        is_known=known is not None,
    )


def spans_of(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Yield days as spans of days that follow each other, both ends included."""
    ordered = sorted(days)
    firsts = [day for before, day in pairwise(ordered) if day - before > _ONE_DAY]
    lasts = [before for before, day in pairwise(ordered) if day - before > _ONE_DAY]
    yield from zip([*ordered[:1], *firsts], [*lasts, *ordered[-1:]], strict=True)


def _has(days: Days, log_day: LogDay) -> bool:
    """Return whether a span of a load has the logs of an account, a region and a day."""
    return days.has(log_day.day) and days.has_logs_of(log_day.account, log_day.region)


def _log_file(key: str, log_day: LogDay) -> str:
    """Return an object's name in the ledger: its key from ``AWSLogs/`` on."""
    folder = f"{log_day.root}{log_day.account}/CloudTrail/{log_day.region}/"
    return key[key.rindex(folder) :]


def told_days_query(table: str, flag: str) -> str:
    """Return the query of the days that a table of told days has with a flag; see ``log_days``."""
    return f"""
        select log_root, account_id, aws_region, cast(delivered_date as varchar)
        from (
            select
                log_root,
                account_id,
                aws_region,
                delivered_date,
                max_by({flag}, loaded_at) as {flag}
            from {table}
            group by 1, 2, 3, 4
        ) as newest
        where {flag}
    """


def log_days(rows: Iterable[Sequence[Any]]) -> set[LogDay]:
    """Return the days in the rows of ``told_days_query``."""
    return {
        LogDay(root, account, region, date.fromisoformat(day))
        for root, account, region, day in rows
    }


def told_days(athena: Athena, table: str, flag: str) -> set[LogDay] | None:
    """Return the days that the store has with a flag, None where it has no table for them."""
    try:
        return log_days(athena.run(told_days_query(table, flag)).rows())
    except QueryFailedError as error:
        if not error.names_missing_table:
            raise
        return None


def _loaded_files(athena: Athena, log_days: Iterable[LogDay]) -> frozenset[str]:
    """Return the log files of some days that the ledger has as done."""
    days = " or ".join(
        f"delivered_date between date '{first}' and date '{last}'"
        for first, last in spans_of({log_day.day for log_day in log_days})
    )
    sql = f"select log_file from log_reads where status <> 'unreadable' and ({days})"
    try:
        return frozenset(log_file for (log_file,) in athena.run(sql).rows())
    except QueryFailedError as error:
        if not error.names_missing_table:
            raise
        return frozenset()
