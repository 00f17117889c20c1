"""What Rolecall costs on AWS, by a formula: ``python scripts/athena_cost.py``.

It prints the tables of docs/cost.md, docs/from-console-query.md and docs/scale.md. What the formula
takes for granted stands here as constants, each with its source; the tests compare it with what the
local Athena scans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from rolecall.athena import PRICE_PER_TB, scan_price
from rolecall.project import project_variables
from rolecall.sizes import price_text, size_text

GB, TB = 10**9, 10**12
DAYS_A_MONTH = 30

# US dollars, in most regions ("Amazon S3 pricing", "AWS CodeBuild pricing": small, Linux).
MILLION_READS, MILLION_LISTS = 0.40, 5.00
BUILD_MINUTE_PRICE = 0.005

LOOKBACK_DAYS = 1
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
STATEMENTS = 140
"""Statements of a refresh that Athena asks money for: 132."""
SLICE_STATEMENTS = 50
"""The same of a slice of a load that is not the last one: 40."""
ANSWER_STATEMENTS = 2
"""Statements of ``rolecall history``: the switches, and what the logs do not cover."""
EVENT_BYTES = 150
"""Bytes of an event in a packed log file."""
LOAD_SHARE = 5.0
"""Bytes of tables scanned to load and to test one byte of new logs: 4.0 into an empty store, 5.0
where they are merged into one."""
DAY_SHARE = 0.5
"""Bytes of tables scanned, for copies and for loads in part, for each byte of recent logs."""
RECENT_DAYS = 2
"""Which those are, beside the new ones."""
STORE_SHARE = 0.1
"""Bytes of keys scanned by a load, for each byte of logs loaded by then: 0.07."""
COMPACT_SHARE = 1.0
"""Bytes of tables scanned to compact the store, for each byte of new logs: each is so once."""
MARTS_SHARE = 2.5
"""Bytes of tables scanned to rebuild and test the marts, for each byte of logs ever loaded: 2.4."""
SWITCHES_SHARE = 0.007
"""Bytes that an answer scans, for each byte of logs ever loaded."""


# Of 300,000 events in two months, on the local Athena: benchmarks/README.md.
MEASURED_AD_HOC, MEASURED_FIRST_REFRESH, MEASURED_ANSWER = 45_900_000, 348_000_000, 304_000


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail: packed bytes a month, months kept and loaded, accounts times regions.

    ``file_bytes`` is the mean size of a log file.
    """

    bytes_a_month: float
    months: float = 12
    places: int = 100
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
    def scan(self) -> float:
        """What Athena asks: each statement's least on top, so that it is never more."""
        scanned = self.log_bytes + self.table_bytes + self.statements * LEAST_BYTES
        return scanned / TB * PRICE_PER_TB

    @property
    def dollars(self) -> float:
        """All of it."""
        return self.scan + self.requests + self.build


def refresh(trail: Trail, a_day: float, *, is_pruned: bool = True) -> Cost:
    """Return what one of ``a_day`` refreshes costs.

    Without ``is_pruned`` the CloudTrail table has no partitions by day: all of it is read.
    """
    days = window_days(a_day)
    logs = days * trail.bytes_a_day if is_pruned else trail.all_bytes
    new = trail.bytes_a_day / a_day
    tables = table_bytes(new, RECENT_DAYS * trail.bytes_a_day + new, trail.all_bytes)
    tables += COMPACT_SHARE * new
    lists = trail.places * ceil(days) if is_pruned else logs / trail.file_bytes / 1000
    return Cost(
        logs, tables, STATEMENTS, _requests(trail, logs, lists), BUILD_MINUTES * BUILD_MINUTE_PRICE
    )


def first_refresh(trail: Trail, slice_days: int = SLICE_DAYS) -> Cost:
    """Return what the load of all logs costs, the marts once at its end, without S3 requests."""
    load = first_load(trail, slice_days)
    tables = load.table_bytes + MARTS_SHARE * trail.all_bytes
    return Cost(load.log_bytes, tables, load.statements)


def first_load(trail: Trail, slice_days: int) -> Cost:
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


def answer(trail: Trail) -> Cost:
    """Return what ``rolecall history`` costs."""
    return Cost(0, SWITCHES_SHARE * trail.all_bytes, ANSWER_STATEMENTS)


def ad_hoc(trail: Trail) -> Cost:
    """Return what a question to the console's table costs: it has no partitions."""
    lists = trail.all_bytes / trail.file_bytes / 1000
    return Cost(trail.all_bytes, 0, 1, _requests(trail, trail.all_bytes, lists))


def window_days(a_day: float) -> float:
    """Return how many days of delivery a refresh looks at, in the mean over its hours.

    From midnight, ``LOOKBACK_DAYS`` before the day of the refresh before it, until now.
    """
    return LOOKBACK_DAYS + 1 / a_day + 0.5


def _requests(trail: Trail, log_bytes: float, lists: float) -> float:
    return (log_bytes / trail.file_bytes * MILLION_READS + lists * MILLION_LISTS) / 1_000_000


# --- the tables of the documents --------------------------------------------------------------


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def cost_table() -> Iterator[str]:
    """Yield what refreshes and answers cost beside the ad-hoc query, line by line."""
    yield _row(
        "logs a month",
        "a refresh reads of the logs",
        "and of tables",
        "costs",
        "a month of hourly ones",
        "a month of daily ones",
        "an answer",
        "the ad-hoc query",
    )
    yield _row(*["---:"] * 8)
    for gigabytes in (1, 100, 1000):
        trail = Trail(gigabytes * GB)
        hourly, daily = refresh(trail, 24), refresh(trail, 1)
        yield _row(
            f"{gigabytes:,} GB",
            size_text(round(hourly.log_bytes)),
            size_text(round(hourly.table_bytes)),
            price_text(hourly.dollars),
            price_text(hourly.dollars * 24 * DAYS_A_MONTH),
            price_text(daily.dollars * DAYS_A_MONTH),
            price_text(answer(trail).dollars),
            price_text(ad_hoc(trail).dollars),
        )


def parts_table() -> Iterator[str]:
    """Yield of what a daily refresh's price is made, line by line."""
    yield _row(
        "logs a month", "scan of logs", "scan of tables", "least of each statement",
        "S3 requests", "CodeBuild", "without partitions",
    )  # fmt: skip
    yield _row(*["---:"] * 7)
    for gigabytes in (1, 100, 1000):
        trail = Trail(gigabytes * GB)
        daily = refresh(trail, 1)
        yield _row(
            f"{gigabytes:,} GB",
            price_text(daily.log_bytes / TB * PRICE_PER_TB),
            price_text(daily.table_bytes / TB * PRICE_PER_TB),
            price_text(daily.statements * LEAST_BYTES / TB * PRICE_PER_TB),
            price_text(daily.requests),
            price_text(daily.build),
            price_text(refresh(trail, 1, is_pruned=False).dollars),
        )


def console_table() -> Iterator[str]:
    """Yield what Athena asks for the console's query and for Rolecall's answers, line by line."""
    trail = Trail(100 * GB)
    least_of_answer = ANSWER_STATEMENTS * scan_price(0)
    yield _row(
        "", "of 300,000 events in two months", "Athena asks",
        "of 100 GB of logs a month, twelve months kept", "Athena asks",
    )  # fmt: skip
    yield _row("---", *["---:"] * 4)
    for name, measured, price, cost in (
        ("the query above, each time", MEASURED_AD_HOC, scan_price(MEASURED_AD_HOC), ad_hoc(trail)),
        (
            "the first `rolecall refresh`",
            MEASURED_FIRST_REFRESH,
            # 61 days of delivery are two slices.
            Cost(0, MEASURED_FIRST_REFRESH, SLICE_STATEMENTS + STATEMENTS).scan,
            first_refresh(trail),
        ),
        ("`rolecall history`, each time", MEASURED_ANSWER, least_of_answer, answer(trail)),
    ):
        yield _row(
            name,
            size_text(measured),
            price_text(price),
            size_text(round(cost.log_bytes + cost.table_bytes)),
            price_text(cost.scan),
        )


# An organisation: see docs/scale.md.
ACCOUNTS, REGIONS, YEARS, EVENTS_A_DAY = 500, 20, 5, 1_000_000_000
MOST_PARTITIONS = 1_000_000
"""How many partitions Athena takes in one scan (Athena User Guide, "Service quotas")."""
DELIVERIES_A_DAY = 24 * 60 // 5
"""CloudTrail writes about every five minutes ("CloudTrail log files")."""


def scale_table() -> Iterator[str]:
    """Yield the table of docs/scale.md, line by line."""
    days = YEARS * 365 + 1
    places = ACCOUNTS * REGIONS
    day_bytes = EVENTS_A_DAY * EVENT_BYTES
    trail = Trail(
        day_bytes * DAYS_A_MONTH,
        days / DAYS_A_MONTH,
        places,
        day_bytes // (places * DELIVERIES_A_DAY),
    )
    hourly, daily = refresh(trail, 24), refresh(trail, 1)
    hourly_days, slice_days = ceil(window_days(24)), min(SLICE_DAYS, MOST_PARTITIONS // places)
    slices = ceil(days / slice_days)
    whole = first_load(trail, slice_days)
    reads = trail.all_bytes / trail.file_bytes
    yield _row("", "there", "the limit")
    yield _row("---", "---:", "---")
    yield _row("accounts x regions", f"{places:,}", "")
    yield _row("logs of a day", size_text(day_bytes), "")
    yield _row("logs of all days", size_text(round(trail.all_bytes)), "")
    yield _row(
        "log files of a day",
        f"{places * DELIVERIES_A_DAY:,}",
        f"{size_text(trail.file_bytes)} each; one every five minutes and place",
    )
    yield _row("log files, as rows of `log_reads`", f"{round(reads):,}", "none")
    yield _row(
        "partitions of all days",
        f"{places * days:,}",
        f"{MOST_PARTITIONS:,} in one scan: {MOST_PARTITIONS // places} days",
    )
    yield _row("partitions of an hourly refresh", f"{hourly_days * places:,}", "the same")
    yield _row("days of delivery in a slice", f"{slice_days}", "the same; 30 minutes a statement")
    yield _row("slices of the first load, at least", f"{slices}", "none")
    yield _row("statements of the first load, at least", f"{whole.statements:,}", "none")
    yield _row(
        "scan of the first load, marts aside",
        size_text(round(whole.log_bytes + whole.table_bytes)),
        f"{price_text(whole.scan)}, and {price_text(reads * MILLION_READS / 1e6)} to S3",
    )
    for name, cost in (("hourly", hourly), ("daily", daily)):
        yield _row(
            f"scan of logs by {'an' if name == 'hourly' else 'a'} {name} refresh",
            size_text(round(cost.log_bytes)),
            f"{price_text(cost.log_bytes / TB * PRICE_PER_TB)}, and"
            f" {price_text(cost.requests)} to S3",
        )
    yield _row(
        "scan of tables by a daily refresh",
        size_text(round(daily.table_bytes)),
        price_text(daily.table_bytes / TB * PRICE_PER_TB),
    )
    yield _row(
        "an answer of `rolecall history`",
        size_text(round(answer(trail).table_bytes)),
        price_text(answer(trail).dollars),
    )
    yield _row(
        "the ad-hoc query without partitions",
        size_text(round(trail.all_bytes)),
        f"{price_text(ad_hoc(trail).dollars)}; 30 minutes do not suffice",
    )


def main() -> None:
    """Print the tables."""
    for table in (cost_table, parts_table, console_table, scale_table):
        print("\n".join(table()), end="\n\n")


if __name__ == "__main__":
    main()
