"""docs/cost.md and docs/scale.md say what the formula says, and the formula what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from athena_cost import (
    MEASURED_AD_HOC,
    MEASURED_ANSWER,
    MEASURED_FIRST_REFRESH,
    console_table,
    cost_table,
    parts_table,
    scale_table,
)
from rolecall.aws.answer import PRICE_PER_TB
from rolecall.setup.cost import (
    DAYS_A_MONTH,
    GB,
    MARTS_SHARE,
    TrailSize,
    ad_hoc,
    answer,
    first_refresh,
    refresh,
    table_bytes,
    window_days,
)
from rolecall.setup.text import cost_text
from rolecall.sizes import size_text
from support.command_line import PROJECT
from support.documents import documented

# Refreshes of the benchmark's trail on the local Athena, with Athena's way to read Parquet: 59 days
# in four slices, then a day, and what came late of it. Bytes of the logs, and what was scanned of
# tables.
FIRST_DAYS, FIRST_SLICE_DAYS, FIRST_BYTES, FIRST_SCANNED = 59, 15, 45_142_511, 348_973_339
LATER = [
    (762_230, 45_904_741, 130_577_959),
    (42_881, 45_947_622, 127_276_098),
]

# What the benchmark loads.
TRAIL_DAYS, TRAIL_BYTES = 61, 45_947_622


@pytest.mark.parametrize(
    ("document", "table"),
    [
        ("cost", cost_table),
        ("cost", parts_table),
        ("from-console-query", console_table),
        ("scale", scale_table),
    ],
)
def test_a_document_has_the_table_that_the_formula_prints(
    document: str, table: Callable[[], Iterator[str]]
) -> None:
    text = (PROJECT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    assert "\n".join(["", *table(), ""]) in text


def test_the_document_of_athena_has_what_setup_says_of_the_cost() -> None:
    said = documented("docs/athena.md", "Yesterday brought")
    assert said == f"{cost_text(3_330_000_000, PRICE_PER_TB)}\n"


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (MEASURED_AD_HOC, "the ad-hoc query at the console"),
        (MEASURED_FIRST_REFRESH, "`rolecall refresh`, everything"),
        (MEASURED_ANSWER, "`rolecall history`"),
    ],
)
def test_what_was_measured_stands_in_the_benchmarks(measured: int, name: str) -> None:
    text = (PROJECT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"\n| {name} | {size_text(measured)} |" in text


@pytest.mark.parametrize(("new", "everything", "scanned"), LATER)
def test_the_formula_is_no_less_than_what_was_scanned_of_tables(
    new: int, everything: int, scanned: int
) -> None:
    # All of it was loaded within two days.
    assert 1 <= table_bytes(new, everything, everything) / scanned <= 1.6


def test_it_is_no_less_than_what_a_first_load_in_slices_scanned_of_tables() -> None:
    formula = first_refresh(_loaded(FIRST_DAYS, FIRST_BYTES), FIRST_SLICE_DAYS)
    assert 1 <= formula.table_bytes / FIRST_SCANNED <= 1.6


def test_it_is_no_less_than_what_the_first_refresh_of_the_benchmark_scanned() -> None:
    formula = first_refresh(_loaded(TRAIL_DAYS, TRAIL_BYTES))
    assert 1 <= formula.scanned_bytes / MEASURED_FIRST_REFRESH <= 1.6


def test_it_is_no_less_than_what_the_answer_of_the_benchmark_scanned() -> None:
    formula = answer(_loaded(TRAIL_DAYS, TRAIL_BYTES))
    assert 1 <= formula.table_bytes / MEASURED_ANSWER <= 1.6


def _loaded(days: int, log_bytes: int) -> TrailSize:
    return TrailSize(log_bytes / days * DAYS_A_MONTH, days / DAYS_A_MONTH)


@pytest.mark.parametrize("gigabytes", [1, 100, 1000])
def test_what_cost_md_says_of_the_ad_hoc_query_holds(gigabytes: int) -> None:
    trail = TrailSize(gigabytes * GB)
    assert 0.7 < refresh(trail, 1).dollars / ad_hoc(trail).dollars < 1.3
    assert answer(trail).dollars < ad_hoc(trail).dollars / 100


def test_the_mean_window_goes_back_to_the_midnight_before_the_day_of_the_last_refresh() -> None:
    """Hour by hour, for refreshes on the hour and for one a day at any hour."""
    hours = range(24)
    hourly = [1 + (hour / 24 if hour else 1) for hour in hours]
    assert window_days(24) == pytest.approx(sum(hourly) / 24, abs=0.03)
    daily = [2 + hour / 24 for hour in hours]
    assert window_days(1) == pytest.approx(sum(daily) / 24, abs=0.03)


def test_a_table_without_partitions_is_read_whole() -> None:
    trail = TrailSize(10 * GB)
    pruned, whole = refresh(trail, 1), refresh(trail, 1, is_pruned=False)
    assert whole.log_bytes == 120 * GB
    assert pruned.log_bytes == pytest.approx(10 * GB / 30 * 2.5)
    assert whole.table_bytes == pruned.table_bytes > MARTS_SHARE * 120 * GB
