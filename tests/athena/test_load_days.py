"""Which days a load on Athena looks at, and which of them a slice takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.athena.load_days import (
    Slice,
    Window,
    first_days,
    next_slice,
    parts,
    slice_of_days,
    unloaded_window,
    with_added,
    without_days,
)
from rolecall.days import Span

_TODAY = date(2026, 11, 24)
_DAY = timedelta(days=1)
_LOOKBACK_DAYS = 1


def _spans(texts: Iterable[Sequence[str]]) -> Window:
    """Return spans of texts: the first day, the last day, and what it is confined to."""
    return tuple(
        Span(date.fromisoformat(first), date.fromisoformat(last), tuple(only))
        for first, last, *only in texts
    )


def _days(window: Window) -> list[date]:
    """Return the days of a window, one by one."""
    return [span.first + number * _DAY for span in window for number in range(span.day_count)]


# What the ledger has, the first day that is asked for, and the spans to look at.
WINDOWS: dict[str, tuple[list[str], str | None, bool, list[list[str]]]] = {
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
ADDED: dict[str, tuple[list[list[str]], str, list[list[str]], list[list[str]]]] = {
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

# Spans, those that are left out, and what is left.
LEFT_OUT: dict[str, tuple[list[list[str]], list[list[str]], list[list[str]]]] = {
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
        [["2026-10-01", "2026-10-03", "1"], ["2026-10-05", "2026-10-06"]],
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


@pytest.mark.parametrize("name", WINDOWS)
def test_a_load_looks_at_what_is_recent_and_at_what_is_missing(name: str) -> None:
    loaded, first, is_by_day, expected = WINDOWS[name]
    window = unloaded_window(
        [date.fromisoformat(day) for day in loaded],
        None if first is None else date.fromisoformat(first),
        _TODAY,
        _LOOKBACK_DAYS,
        is_by_day=is_by_day,
    )
    assert window == _spans(expected)


@pytest.mark.parametrize("name", ADDED)
def test_a_load_looks_at_the_past_of_what_was_added_to_the_table(name: str) -> None:
    spans, first_day, added, expected = ADDED[name]
    added_spans = _spans([first, last, value] for _, value, first, last in added)
    window = with_added(_spans(spans), added_spans, date.fromisoformat(first_day))
    assert window == _spans(expected)
    # A slice of them is confined as they are.
    part, _ = first_days(window, 3)
    assert (part[0].first, part[0].only) == (window[0].first, window[0].only)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_days_without_anything_to_read_are_left_out(name: str) -> None:
    spans, left_out, expected = LEFT_OUT[name]
    days = [(span.first, span.last) for span in _spans(left_out)]
    assert without_days(_spans(spans), days) == _spans(expected)


_LONG = _spans([["2019-01-01", "2026-11-25"]])


@pytest.mark.parametrize(
    ("window", "slice_days", "most_days", "logged"),
    [
        (_LONG, 60, 10**6, []),
        (_LONG, 60, 100, [date(2026, 11, 25)]),
        (_LONG, 60, 20, [date(2024, 2, 29)]),
        (_LONG, 60, 10**6, [date(2019, 3, 2)]),
        (_LONG, 1, 10**6, [date(2023, 1, 1)]),
        (_spans([["2026-11-23", "2026-11-25"]]), 60, 1000, []),
    ],
)
def test_a_slice_is_the_oldest_part_with_logs(
    window: Window, slice_days: int, most_days: int, logged: list[date]
) -> None:
    _check_slice(window, slice_days, most_days, set(logged))


@st.composite
def _windows(draw: st.DrawFn) -> Window:
    """Draw a window of some spans, some of them confined."""
    starts = sorted(draw(st.sets(st.integers(0, 1000), min_size=2, max_size=10)))
    starts = starts[: len(starts) // 2 * 2]
    return tuple(
        Span(
            _TODAY - (1001 - first) * _DAY,
            _TODAY - (1001 - last) * _DAY,
            draw(st.sampled_from([(), ("111122223333",)])),
        )
        for first, last in zip(starts[::2], starts[1::2], strict=True)
    )


_WINDOWS = _windows()
_SLICE_DAYS = st.sampled_from([1, 2, 7, 60])
_MOST_DAYS = st.sampled_from([5, 100, 10**6])
# Which of the days of a window have logs, by their places in it from 0 to 1.
_LOGGED = st.lists(st.floats(0, 1, exclude_max=True), max_size=30)


def _logged(window: Window, places: list[float]) -> set[date]:
    days = _days(window)
    return {days[int(place * len(days))] for place in places}


class _LogsOfDays:
    """Says whether days have logs, and counts how often it was asked, of at most so many days."""

    def __init__(self, logged: set[date], most_days: int) -> None:
        self.logged = logged
        self.most_days = most_days
        self.count = 0

    def __call__(self, part: Window) -> bool:
        self.count += 1
        days = _days(part)
        assert 1 <= len(days) <= self.most_days
        return not self.logged.isdisjoint(days)


def _check_slice(window: Window, slice_days: int, most_days: int, logged: set[date]) -> Slice:
    has_logs = _LogsOfDays(logged, most_days)
    slice_ = next_slice(window, slice_days, most_days, has_logs)
    days, rest = _days(slice_.spans), _days(slice_.rest)
    assert 1 <= len(days) <= min(slice_days, most_days)
    # Nothing before its first day has logs, and nothing after it is left out but days without.
    assert not any(day < days[0] for day in logged)
    following = [day for day in _days(window) if day >= days[0]]
    if rest:
        assert days + rest == following
        assert logged.intersection(days)
        assert logged.intersection(rest)
    else:
        assert days == following[: len(days)]
        assert not logged.intersection(following[len(days) :])
    # Years without logs are stepped over with few questions.
    if most_days == 10**6:
        stride = min(slice_days, most_days)
        assert has_logs.count <= 3 + 4 * (len(_days(window)) // stride + 1).bit_length()
    return slice_


@given(_WINDOWS, _SLICE_DAYS, _MOST_DAYS, _LOGGED)
def test_each_slice_is_the_oldest_part_with_logs(
    window: Window, slice_days: int, most_days: int, places: list[float]
) -> None:
    _check_slice(window, slice_days, most_days, _logged(window, places))


@given(_WINDOWS, st.lists(_SLICE_DAYS, min_size=1, max_size=20), _MOST_DAYS, _LOGGED)
def test_slices_read_each_day_with_logs_once_and_in_order(
    window: Window, slice_days: list[int], most_days: int, places: list[float]
) -> None:
    """Whatever length each has: one that is too much is tried with half as many days."""
    logged = _logged(window, places)
    read: list[date] = []
    left, number = window, 0
    while left:
        slice_ = _check_slice(
            left, slice_days[number % len(slice_days)], most_days, logged.difference(read)
        )
        read += _days(slice_.spans)
        left, number = slice_.rest, number + 1
    assert read == sorted(set(read))
    assert logged <= set(read) <= set(_days(window))


@given(_WINDOWS, _SLICE_DAYS, _LOGGED, st.integers(0, 10))
def test_a_load_that_is_killed_goes_on_where_it_was(
    window: Window, slice_days: int, places: list[float], slice_count: int
) -> None:
    """The ledger has what was loaded, and the next load looks at what it lacks."""
    logged = _logged(window, places)
    first_day = window[0].first
    loaded: set[date] = set()
    left: Window = (Span(first_day, _TODAY + _DAY),)
    for _ in range(slice_count):
        slice_ = next_slice(left, slice_days, 10**6, _LogsOfDays(logged, 10**6))
        loaded |= logged.intersection(_days(slice_.spans))
        left = slice_.rest or left
    again = unloaded_window(sorted(loaded), first_day, _TODAY, _LOOKBACK_DAYS, is_by_day=True)
    days = _days(again)
    assert days == sorted(set(days))
    assert logged - loaded <= set(days)
    recent = max(loaded, default=first_day) - _LOOKBACK_DAYS * _DAY
    assert all(day >= recent for day in loaded.intersection(days))


@given(_WINDOWS, st.integers(0, 2000))
def test_the_first_days_and_the_rest_are_the_window(window: Window, day_count: int) -> None:
    part, rest = first_days(window, day_count)
    assert _days(part) + _days(rest) == _days(window)
    assert len(_days(part)) == min(day_count, len(_days(window)))
    assert {span.only for span in (*part, *rest)} == {span.only for span in window}


@given(_WINDOWS, st.integers(1, 200))
def test_parts_are_the_window(window: Window, most_days: int) -> None:
    days = [_days(part) for part in parts(window, most_days)]
    assert [day for part in days for day in part] == _days(window)
    assert max(map(len, days)) <= most_days


@given(_WINDOWS, _WINDOWS)
def test_what_is_left_out_is_left_out_and_no_more(window: Window, left_out: Window) -> None:
    left = without_days(window, [(span.first, span.last) for span in left_out])
    expected = sorted(set(_days(window)) - set(_days(left_out)))
    assert _days(left) == (expected or [window[-1].last])


@given(_WINDOWS, _WINDOWS)
def test_days_of_what_was_added_are_looked_at_beside_the_window(
    window: Window, added: Window
) -> None:
    plain = tuple(Span(span.first, span.last) for span in window)
    confined = [Span(span.first, span.last, ("111122223333",)) for span in added]
    first_day = min(window[0].first, added[0].first)
    together = with_added(plain, confined, first_day)
    days = _days(together)
    assert days == sorted(set(days))
    assert [span for span in together if not span.only] == list(plain)
    assert {day for day in _days(added) if day <= window[-1].last} <= set(days)


@given(st.sets(st.integers(0, 300), min_size=1), _SLICE_DAYS)
def test_what_is_staged_is_loaded_by_slices_that_begin_with_a_log(
    numbers: set[int], slice_days: int
) -> None:
    days = sorted(_TODAY - number * _DAY for number in numbers)
    left: Window = (Span(days[0], days[-1]),)
    taken: list[date] = []
    while left:
        slice_ = slice_of_days(left, slice_days, days)
        span = Span(slice_.spans[0].first, slice_.last)
        assert span.day_count <= slice_days
        taken += [day for day in days if span.first <= day <= span.last]
        left = slice_.rest
    assert taken == days
