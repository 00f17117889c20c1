"""Prints the tables of docs/cost.md, docs/from-console-query.md and docs/scale.md.

``python tools/athena_cost.py``; what they say follows from the formula in ``rolecall.setup.cost``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from rolecall.aws.answer import PRICE_PER_TB, scan_price
from rolecall.setup.cost import (
    ANSWER_STATEMENTS,
    DAYS_A_MONTH,
    EVENT_BYTES,
    GB,
    LEAST_BYTES,
    MILLION_READS,
    SLICE_DAYS,
    SLICE_STATEMENTS,
    STATEMENTS,
    TB,
    Cost,
    TrailSize,
    ad_hoc,
    answer,
    first_load,
    first_refresh,
    refresh,
    window_days,
)
from rolecall.sizes import price_text, size_text

# Of 300,000 events in two months, on the local Athena: benchmarks/README.md.
MEASURED_AD_HOC, MEASURED_FIRST_REFRESH, MEASURED_ANSWER = 45_900_000, 348_000_000, 304_000


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
        trail = TrailSize(gigabytes * GB)
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
        trail = TrailSize(gigabytes * GB)
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
    trail = TrailSize(100 * GB)
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
            size_text(round(cost.scanned_bytes)),
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
    trail = TrailSize(
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
        size_text(round(whole.scanned_bytes)),
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
