"""Which days of delivery a load on Athena looks at, and which of them it reads next.

Functions of dates alone: what the ledger, the catalogue and S3 say comes as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rolecall.days import Span

_ONE_DAY = timedelta(days=1)
_FIRST_LOAD = timedelta(days=90)


Window = tuple[Span, ...]
"""Spans of days, oldest first."""

HasLogs = Callable[[Window], bool]
"""Says whether some days have a log that is to be read."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What a load reads at a time, and the rest of its window, () if no logs are left there."""

    spans: Window
    rest: Window

    @property
    def last(self) -> date:
        """The last day of the slice."""
        return self.spans[-1].last

    @property
    def days_left(self) -> int:
        """From the first to the last day that is left, how many there are."""
        return (self.rest[-1].last - self.rest[0].first).days + 1 if self.rest else 0


def unloaded_window(
    loaded_days: Sequence[date],
    first_day: date | None,
    today: date,
    lookback_days: int,
    *,
    is_by_day: bool,
) -> Window:
    """Return the days that a load looks at, given those that the ledger has, oldest first.

    That is everything from ``lookback_days`` before the newest of them, so that an outage loses no
    day; and of the days since ``first_day`` those that the ledger does not have, so that an earlier
    day fills in the past. The first load begins at ``first_day``, without one 90 days back. A table
    that cannot be read by the day has one span: all of it is read anyway.
    """
    until = today + _ONE_DAY
    if not loaded_days:
        return (Span(min(first_day or today - _FIRST_LOAD, today), until),)
    recent = min(loaded_days[-1], today) - lookback_days * _ONE_DAY
    if first_day is None or first_day >= recent:
        return (Span(recent, until),)
    if not is_by_day:
        return (Span(first_day, until),)
    spans, since = [], first_day
    for day in loaded_days:
        if first_day <= day < recent:
            if since < day:
                spans.append(Span(since, day - _ONE_DAY))
            since = day + _ONE_DAY
    # What is missing up to the recent days is one span with them.
    return (*spans, Span(since, until))


def with_added(window: Window, added: Iterable[Span], first_day: date) -> Window:
    """Return a window with the days of what was ``added`` to the table, from ``first_day`` on.

    Between the spans of the window, of these days nothing else is read.
    """
    added = list(added)
    spans = []
    for span in window:
        gap = Span(first_day, span.first - _ONE_DAY)
        here = [
            Span(first, last, each.only)
            for each in added
            if (first := max(each.first, gap.first)) <= (last := min(each.last, gap.last))
        ]
        if here:
            first, last = min(each.first for each in here), max(each.last for each in here)
            spans.append(Span(first, last, tuple(value for each in here for value in each.only)))
        spans.append(span)
        first_day = span.last + _ONE_DAY
    return tuple(spans)


def without_days(window: Window, left_out: Iterable[tuple[date, date]]) -> Window:
    """Return a window without some spans of days, but never without its newest day."""
    spans = list(window)
    for first, last in left_out:
        pieces = []
        for span in spans:
            if span.last < first or span.first > last:
                pieces.append(span)
                continue
            if span.first < first:
                pieces.append(replace(span, last=first - _ONE_DAY))
            if span.last > last:
                pieces.append(replace(span, first=last + _ONE_DAY))
        spans = pieces
    newest = window[-1].last
    return tuple(spans) or (Span(newest, newest),)


def first_days(window: Window, day_count: int) -> tuple[Window, Window]:
    """Return the first so many days of a window, and the rest of it."""
    part, rest = [], []
    for span in window:
        taken = min(span.day_count, day_count)
        if taken:
            part.append(replace(span, last=span.first + (taken - 1) * _ONE_DAY))
        if taken < span.day_count:
            rest.append(replace(span, first=span.first + taken * _ONE_DAY))
        day_count -= taken
    return tuple(part), tuple(rest)


def next_slice(window: Window, slice_days: int, most_days: int, has_logs: HasLogs) -> Slice:
    """Return the oldest days of a window with logs, ``slice_days`` and ``most_days`` at most.

    ``most_days`` is how many ``has_logs`` can be asked of at once. It is asked only where more than
    a slice is left. Where no logs are left, the slice is the newest days, as what is delivered
    meanwhile is of these.
    """
    slice_days = min(slice_days, most_days)
    left = _from_first_logs(window, slice_days, most_days, has_logs)
    spans, rest = first_days(left, slice_days)
    return Slice(spans, rest if _any_logs(rest, most_days, has_logs) else ())


def slice_of_days(window: Window, slice_days: int, days: Sequence[date]) -> Slice:
    """Return the oldest days of a window of which ``days`` have logs, ``slice_days`` at most."""

    def has_logs(part: Window) -> bool:
        return any(span.first <= day <= span.last for span in part for day in days)

    return next_slice(window, slice_days, sum(span.day_count for span in window), has_logs)


def _from_first_logs(window: Window, slice_days: int, most_days: int, has_logs: HasLogs) -> Window:
    """Return a window from the first slice on that has logs, its newest days if none has.

    Days without logs are stepped over in strides that grow; a stride with logs is halved.
    """
    stride, is_growing = slice_days, True
    while True:
        part, rest = first_days(window, stride)
        is_slice = stride == slice_days
        if is_slice and not rest:
            return window
        if has_logs(part):
            if is_slice:
                return window
            stride, is_growing = max(stride // 2, slice_days), False
        elif rest:
            window = rest
            stride = min(2 * stride, most_days) if is_growing else stride
        else:
            return _newest_days(part, slice_days)


def _any_logs(window: Window, most_days: int, has_logs: HasLogs) -> bool:
    return any(has_logs(part) for part in parts(window, most_days))


def parts(window: Window, most_days: int) -> Iterator[Window]:
    """Yield a window in parts of so many days at most."""
    while window:
        part, window = first_days(window, most_days)
        yield part


def _newest_days(window: Window, day_count: int) -> Window:
    first = window[-1].last - (day_count - 1) * _ONE_DAY
    kept = (replace(span, first=max(span.first, first)) for span in window if span.last >= first)
    return tuple(kept)
