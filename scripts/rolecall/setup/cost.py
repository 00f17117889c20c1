"""What Rolecall costs on AWS, by a formula: docs/cost.md.

What the formula takes for granted stands here as constants, each with its source; the tests compare
it with what the local Athena scans.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from rolecall.aws.answer import PRICE_PER_TB
from rolecall.project.location import project_variables

GB, TB = 10**9, 10**12
DAYS_A_MONTH = 30

# US dollars, in most regions ("Amazon S3 pricing", "AWS CodeBuild pricing": small, Linux).
MILLION_READS, MILLION_LISTS = 0.40, 5.00
BUILD_MINUTE_PRICE = 0.005

LOOKBACK_DAYS = int(project_variables()["lookback_days"])
"""What a refresh looks at again of what it has loaded: ``lookback_days``."""

SLICE_DAYS = int(project_variables()["slice_days"])
"""How many days of delivery are loaded at a time."""

LEAST_BYTES = 10_000_000
"""What Athena asks for at least, a statement ("Athena pricing")."""

BUILD_MINUTES = 5
"""How long a build takes: to start, to install, and to wait for Athena."""

# Measured on the local Athena with the trail of make_trail.py, 5,000 events a day, of which 13 in
# 100 are sign-ins and role assumptions, and two months of it are loaded in one, two and four slices
# and by the day; with Athena's way to read Parquet, only the columns that are asked for
# (engine.COLUMNS_ALONE); rounded up.
STATEMENTS = 210
"""Statements of a refresh that Athena asks money for: 202."""
SLICE_STATEMENTS = 50
"""The same of a slice of a load that is not the last one: 40."""
ANSWER_STATEMENTS = 4
"""Statements of ``rolecall history``: entries, workloads left out, coverage, names of nobody."""
EVENT_BYTES = 150
"""Bytes of an event in a packed log file."""
LOAD_SHARE = 5.0
"""Bytes of tables scanned to load and to test one byte of new logs: 4.0 into an empty store, 5.0
where they are merged into one."""
DAY_SHARE = 0.5
"""Bytes of tables scanned, for copies and for loads in part, for each byte of recent logs."""
RECENT_DAYS = 2
"""How many days are recent, beside the new ones."""
STORE_SHARE = 0.1
"""Bytes of keys scanned by a load, for each byte of logs loaded by then: 0.07."""
COMPACT_SHARE = 1.0
"""Bytes of tables scanned to compact the store, for each byte of new logs, once."""
MARTS_SHARE = 2.5
"""Bytes of tables scanned to rebuild and test the marts, for each byte of logs ever loaded: 2.4."""
SWITCHES_SHARE = 0.007
"""Bytes that an answer scans, for each byte of logs ever loaded."""


@dataclass(frozen=True, slots=True)
class TrailSize:
    """A trail: packed bytes a month, months kept and loaded, accounts times regions.

    ``file_bytes`` is the mean size of a log file.
    """

    bytes_a_month: float
    months: float = 12
    region_folders: int = 100
    file_bytes: int = 50_000

    @property
    def bytes_a_day(self) -> float:
        """What is delivered in a day."""
        return self.bytes_a_month / DAYS_A_MONTH

    @property
    def all_bytes(self) -> float:
        """What is kept, all of it loaded."""
        return self.bytes_a_month * self.months


@dataclass(frozen=True, slots=True)
class Cost:
    """What something takes: bytes scanned of logs and of tables, and US dollars by kind."""

    log_bytes: float
    table_bytes: float
    statements: int
    requests: float = 0.0
    build: float = 0.0

    @property
    def scanned_bytes(self) -> float:
        """Of logs and of tables."""
        return self.log_bytes + self.table_bytes

    @property
    def scan(self) -> float:
        """What Athena asks, in most regions."""
        return self.scan_at(PRICE_PER_TB)

    def scan_at(self, price_per_tb: float) -> float:
        """Return what Athena asks: each statement's least on top, so that it is never more."""
        return (self.scanned_bytes + self.statements * LEAST_BYTES) / TB * price_per_tb

    @property
    def dollars(self) -> float:
        """All of it."""
        return self.scan + self.requests + self.build


def refresh(trail: TrailSize, a_day: float, *, is_pruned: bool = True) -> Cost:
    """Return what one of ``a_day`` refreshes costs.

    Without ``is_pruned`` the CloudTrail table has no partitions by day: all of it is read.
    """
    days = window_days(a_day)
    logs = days * trail.bytes_a_day if is_pruned else trail.all_bytes
    new = trail.bytes_a_day / a_day
    tables = table_bytes(new, RECENT_DAYS * trail.bytes_a_day + new, trail.all_bytes)
    tables += COMPACT_SHARE * new
    lists = trail.region_folders * ceil(days) if is_pruned else logs / trail.file_bytes / 1000
    return Cost(
        logs, tables, STATEMENTS, _requests(trail, logs, lists), BUILD_MINUTES * BUILD_MINUTE_PRICE
    )


def first_refresh(trail: TrailSize, slice_days: int = SLICE_DAYS) -> Cost:
    """Return what the load of all logs costs, the marts once at its end, without S3 requests."""
    load = first_load(trail, slice_days)
    tables = load.table_bytes + MARTS_SHARE * trail.all_bytes
    return Cost(load.log_bytes, tables, load.statements)


def first_load(trail: TrailSize, slice_days: int) -> Cost:
    """Return what the load of all logs in slices costs, marts aside.

    To each slice its own logs are the recent ones; it finds in the store what the slices before it
    have loaded, in the mean half of all.
    """
    slices = ceil(trail.months * DAYS_A_MONTH / slice_days)
    share = LOAD_SHARE + DAY_SHARE + COMPACT_SHARE + STORE_SHARE * (slices + 1) / 2
    statements = (slices - 1) * SLICE_STATEMENTS + STATEMENTS
    return Cost(trail.all_bytes, share * trail.all_bytes, statements)


def table_bytes(new: float, recent: float, everything: float) -> float:
    """Return what a refresh scans of tables, by the bytes of logs that are new, recent, and all.

    Compacting is not in it.
    """
    return LOAD_SHARE * new + DAY_SHARE * recent + (STORE_SHARE + MARTS_SHARE) * everything


def answer(trail: TrailSize) -> Cost:
    """Return what ``rolecall history`` costs."""
    return Cost(0, SWITCHES_SHARE * trail.all_bytes, ANSWER_STATEMENTS)


def ad_hoc(trail: TrailSize) -> Cost:
    """Return what a question to the console's table costs: it has no partitions."""
    lists = trail.all_bytes / trail.file_bytes / 1000
    return Cost(trail.all_bytes, 0, 1, _requests(trail, trail.all_bytes, lists))


def window_days(a_day: float) -> float:
    """Return how many days of delivery a refresh looks at, in the mean over its hours.

    From midnight, ``LOOKBACK_DAYS`` before the day of the refresh before it, until now.
    """
    return LOOKBACK_DAYS + 1 / a_day + 0.5


def _requests(trail: TrailSize, log_bytes: float, lists: float) -> float:
    return (log_bytes / trail.file_bytes * MILLION_READS + lists * MILLION_LISTS) / 1_000_000
