"""Which days a load on Athena looks at, and which of them a slice takes: the macros alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from support.macros_alone import answer_of

_TODAY = date(2026, 11, 24)
_DAY = timedelta(days=1)

Span = list[str]


def _days(spans: Iterable[Span]) -> list[date]:
    """Return the days of some spans, one by one."""
    return [
        date.fromisoformat(first) + number * _DAY
        for first, last in spans
        for number in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
    ]


# What the ledger has, the first day that is asked for, and the spans to look at.
WINDOWS: dict[str, tuple[list[str], str | None, bool, list[Span]]] = {
    "the first load": ([], None, True, [["2026-08-26", "2026-11-25"]]),
    "the first load from a day": ([], "2024-01-01", True, [["2024-01-01", "2026-11-25"]]),
    "the first load from a day to come": ([], "2026-12-24", True, [["2026-11-24", "2026-11-25"]]),
    "the next load": (["2026-11-23", "2026-11-24"], None, True, [["2026-11-23", "2026-11-25"]]),
    "after an outage": (["2026-09-01", "2026-10-01"], None, True, [["2026-09-30", "2026-11-25"]]),
    "after a slice of the first load": (
        ["2024-01-03", "2024-02-29"],
        None,
        True,
        [["2024-02-28", "2026-11-25"]],
    ),
    "a log of the future": (
        ["2026-11-24", "2027-01-01"],
        None,
        True,
        [["2026-11-23", "2026-11-25"]],
    ),
    "nothing is missing": (
        ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"],
        "2026-11-20",
        True,
        [["2026-11-23", "2026-11-25"]],
    ),
    "an earlier day": (
        ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"],
        "2026-10-01",
        True,
        [["2026-10-01", "2026-11-19"], ["2026-11-23", "2026-11-25"]],
    ),
    "an earlier day, ended after a slice": (
        ["2026-10-01", "2026-10-03", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"],
        "2026-10-01",
        True,
        [
            ["2026-10-02", "2026-10-02"],
            ["2026-10-04", "2026-11-19"],
            ["2026-11-22", "2026-11-25"],
        ],
    ),
    "what is missing joins what is recent": (
        ["2026-11-20", "2026-11-24"],
        "2026-11-20",
        True,
        [["2026-11-21", "2026-11-25"]],
    ),
    "a table that is read as a whole": (
        ["2026-11-20", "2026-11-24"],
        "2026-10-01",
        False,
        [["2026-10-01", "2026-11-25"]],
    ),
}

# Spans to look at, the first day that matters, what was added with its days, and what that makes.
ADDED: dict[str, tuple[list[Span], str, list[list[str]], list[list[Any]]]] = {
    "nothing": ([["2026-11-23", "2026-11-25"]], "2026-09-01", [], [["2026-11-23", "2026-11-25"]]),
    "an account with days of the past": (
        [["2026-11-23", "2026-11-25"]],
        "2026-09-01",
        [["account", "1", "2026-10-02", "2026-10-09"]],
        [["2026-10-02", "2026-10-09", "1"], ["2026-11-23", "2026-11-25"]],
    ),
    "days before anything that is loaded": (
        [["2026-11-23", "2026-11-25"]],
        "2026-09-01",
        [["account", "1", "2026-08-01", "2026-09-05"], ["region", "r", "2026-08-01", "2026-08-02"]],
        [["2026-09-01", "2026-09-05", "1"], ["2026-11-23", "2026-11-25"]],
    ),
    "several, up to what is looked at anyway": (
        [["2026-11-23", "2026-11-25"]],
        "2026-09-01",
        [["account", "1", "2026-10-02", "2026-11-24"], ["region", "r", "2026-09-30", "2026-10-01"]],
        [["2026-09-30", "2026-11-22", "1", "r"], ["2026-11-23", "2026-11-25"]],
    ),
    "between days that nobody has": (
        [["2026-10-04", "2026-10-05"], ["2026-11-23", "2026-11-25"]],
        "2026-09-01",
        [["account", "1", "2026-10-02", "2026-10-09"]],
        [
            ["2026-10-02", "2026-10-03", "1"],
            ["2026-10-04", "2026-10-05"],
            ["2026-10-06", "2026-10-09", "1"],
            ["2026-11-23", "2026-11-25"],
        ],
    ),
    "of days that are looked at": (
        [["2026-10-01", "2026-10-15"], ["2026-11-23", "2026-11-25"]],
        "2026-10-01",
        [["account", "1", "2026-10-02", "2026-10-09"]],
        [["2026-10-01", "2026-10-15"], ["2026-11-23", "2026-11-25"]],
    ),
}


def _slices() -> list[dict[str, Any]]:
    """Return windows with days that have logs: by hand, and by chance."""
    chance = random.Random(11)
    long = [["2019-01-01", "2026-11-25"]]
    cases = [
        {"window": long, "slice_days": 60, "most_days": 10**6, "logged": []},
        {"window": long, "slice_days": 60, "most_days": 100, "logged": ["2026-11-25"]},
        {"window": long, "slice_days": 60, "most_days": 20, "logged": ["2024-02-29"]},
        {"window": long, "slice_days": 60, "most_days": 10**6, "logged": ["2019-03-02"]},
        {"window": long, "slice_days": 1, "most_days": 10**6, "logged": ["2023-01-01"]},
        {
            "window": [["2026-11-23", "2026-11-25"]],
            "slice_days": 60,
            "most_days": 1000,
            "logged": [],
        },
    ]
    for _ in range(40):
        starts = sorted(chance.sample(range(1, 1000), 2 * chance.randrange(1, 5)))
        window = [
            [str(_TODAY - (1001 - first) * _DAY), str(_TODAY - (1001 - last) * _DAY)]
            for first, last in zip(starts[::2], starts[1::2], strict=True)
        ]
        days = _days(window)
        logged = chance.sample(days, min(len(days), chance.choice([0, 1, 2, 30])))
        cases.append(
            {
                "window": window,
                "slice_days": chance.choice([1, 7, 60]),
                "most_days": chance.choice([5, 100, 10**6]),
                "logged": sorted(map(str, logged)),
            }
        )
    return cases


SLICES = _slices()

# Spans, those that are left out, and what is left.
LEFT_OUT: dict[str, tuple[list[list[Any]], list[list[str]], list[list[str]]]] = {
    "nothing": ([["2026-10-01", "2026-10-09"]], [], [["2026-10-01", "2026-10-09"]]),
    "the oldest days": (
        [["2026-10-01", "2026-10-09"]],
        [["2026-10-01", "2026-10-04"]],
        [["2026-10-05", "2026-10-09"]],
    ),
    "a day in the middle, and some before and after": (
        [["2026-10-01", "2026-10-09"]],
        [["2026-09-01", "2026-09-30"], ["2026-10-04", "2026-10-04"], ["2026-10-10", "2026-11-01"]],
        [["2026-10-01", "2026-10-03"], ["2026-10-05", "2026-10-09"]],
    ),
    "days of several spans": (
        [["2026-10-01", "2026-10-03"], ["2026-10-05", "2026-10-06"], ["2026-10-08", "2026-10-09"]],
        [["2026-10-03", "2026-10-08"]],
        [["2026-10-01", "2026-10-02"], ["2026-10-09", "2026-10-09"]],
    ),
    "days of what was added": (
        [["2026-10-01", "2026-10-03", [{"value": "1"}]], ["2026-10-05", "2026-10-06"]],
        [["2026-10-02", "2026-10-02"]],
        [
            ["2026-10-01", "2026-10-01", "1"],
            ["2026-10-03", "2026-10-03", "1"],
            ["2026-10-05", "2026-10-06"],
        ],
    ),
    "all but what may still come": (
        [["2026-10-01", "2026-10-09"]],
        [["2026-10-01", "2026-10-09"]],
        [["2026-10-09", "2026-10-09"]],
    ),
}

# dbt renames a macro that is made in a template.
_TEMPLATE = """
{%- set as_date = modules.datetime.date.fromisoformat -%}
{%- set answer = {'windows': [], 'added': [], 'parts': [], 'left': [], 'slices': []} -%}
{%- for days, first, is_by_day in WINDOWS -%}
    {%- set loaded = [] -%}
    {%- for day in days -%}{%- do loaded.append(as_date(day)) -%}{%- endfor -%}
    {%- do answer.windows.append(span_texts(unloaded_spans(
        loaded, as_date(first) if first else none, as_date(TODAY), is_by_day
    ))) -%}
{%- endfor -%}
{%- for case in ADDED -%}
    {%- set spans, added = [], [] -%}
    {%- for first, last in case[0] -%}
        {%- do spans.append([as_date(first), as_date(last)]) -%}
    {%- endfor -%}
    {%- for column, value, first, last in case[2] -%}
        {%- do added.append(
            {'column': column, 'value': value, 'first': as_date(first), 'last': as_date(last)}
        ) -%}
    {%- endfor -%}
    {%- set window = with_added_partitions(spans, added, as_date(case[1])) -%}
    {%- set part = first_days(window, 3) -%}
    {%- do answer.added.append(span_texts(window)) -%}
    {%- do answer.parts.append(span_texts(part.spans + part.rest)) -%}
{%- endfor -%}
{%- do answer.update({'condition': is_in_added_partition([
    {'column': 'account', 'value': '1'},
    {'column': 'region', 'value': 'r'},
    {'column': 'account', 'value': '2'},
])}) -%}
{%- set asked = [] -%}
{%- set here = namespace(logged=[]) -%}
{%- macro has_logs(spans) -%}
    {%- do asked.append(1) -%}
    {%- for span in spans -%}
        {%- for day in here.logged if span[0] | string <= day <= span[1] | string -%}
            1
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro -%}
{%- for case in LEFT_OUT -%}
    {%- set spans, days = [], [] -%}
    {%- for span in case[0] -%}
        {%- do spans.append([as_date(span[0]), as_date(span[1])] + span[2:]) -%}
    {%- endfor -%}
    {%- for first, last in case[1] -%}
        {%- do days.append([as_date(first), as_date(last)]) -%}
    {%- endfor -%}
    {%- do answer.left.append(span_texts(without_days(spans, days))) -%}
{%- endfor -%}
{%- for case in SLICES -%}
    {%- set window = [] -%}
    {%- for first, last in case.window -%}
        {%- do window.append([as_date(first), as_date(last)]) -%}
    {%- endfor -%}
    {%- set here.logged = case.logged -%}
    {%- do asked.clear() -%}
    {%- set part = oldest_slice(window, case.slice_days, case.most_days, dbt_macro__has_logs) -%}
    {%- do answer.slices.append({
        'spans': span_texts(part.spans), 'rest': span_texts(part.rest), 'asked': asked | length
    }) -%}
{%- endfor -%}
ANSWER{{ tojson(answer) }}
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the macros make of all cases; no warehouse is asked."""
    windows = [[days, first, is_by_day] for days, first, is_by_day, _ in WINDOWS.values()]
    template = (
        _TEMPLATE.replace("WINDOWS", json.dumps(windows).replace("null", "none"))
        .replace("ADDED", json.dumps([case[:3] for case in ADDED.values()]))
        .replace("LEFT_OUT", json.dumps([case[:2] for case in LEFT_OUT.values()]))
        .replace("SLICES", json.dumps(SLICES))
        .replace("TODAY", f"'{_TODAY}'")
    )
    return answer_of(template, tmp_path_factory.mktemp("windows"))


@pytest.mark.parametrize("name", WINDOWS)
def test_a_load_looks_at_what_is_recent_and_at_what_is_missing(
    answer: dict[str, Any], name: str
) -> None:
    *_, expected = WINDOWS[name]
    assert answer["windows"][list(WINDOWS).index(name)] == expected


@pytest.mark.parametrize("name", ADDED)
def test_a_load_looks_at_the_past_of_what_was_added_to_the_table(
    answer: dict[str, Any], name: str
) -> None:
    number, (*_, expected) = list(ADDED).index(name), ADDED[name]
    assert answer["added"][number] == expected
    # A slice of them is confined as they are.
    part, *_ = answer["parts"][number]
    assert [part[0], *part[2:]] == [expected[0][0], *expected[0][2:]]


def test_of_days_of_what_was_added_nothing_else_is_read(answer: dict[str, Any]) -> None:
    assert answer["condition"] == """("account" in ('1', '2') or "region" in ('r'))"""


@pytest.mark.parametrize("name", LEFT_OUT)
def test_days_without_anything_to_read_are_left_out(answer: dict[str, Any], name: str) -> None:
    *_, expected = LEFT_OUT[name]
    assert answer["left"][list(LEFT_OUT).index(name)] == expected


@pytest.mark.parametrize("number", range(len(SLICES)))
def test_a_slice_is_the_oldest_part_with_logs(answer: dict[str, Any], number: int) -> None:
    case, part = SLICES[number], answer["slices"][number]
    window, days, rest = _days(case["window"]), _days(part["spans"]), _days(part["rest"])
    logged = set(map(date.fromisoformat, case["logged"]))
    assert 1 <= len(days) <= min(case["slice_days"], case["most_days"])
    # Nothing before its first day has logs, and nothing after it is left out but days without.
    assert not any(day < days[0] for day in logged)
    following = [day for day in window if day >= days[0]]
    if rest:
        assert days + rest == following
        assert logged.intersection(days)
        assert logged.intersection(rest)
    else:
        assert days == following[: len(days)]
        assert not logged.intersection(following[len(days) :])
    # Years without logs are stepped over with few questions.
    stride = min(case["slice_days"], case["most_days"])
    if case["most_days"] == 10**6:
        assert part["asked"] <= 3 + 4 * (len(window) // stride + 1).bit_length()
