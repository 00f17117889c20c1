"""The periods that digest files are about, and how long CloudTrail takes to deliver files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

DELIVERY = timedelta(hours=1)
"""A log file is delivered some minutes after the time in its name."""

NEXT_DIGEST = timedelta(hours=2)
"""An hour until the next digest file is due, and one in which it may be late."""

# What ends a second before the next begins leaves no gap.
_TOLERANCE = timedelta(seconds=1)


class Period(NamedTuple):
    """A time in UTC, its end excluded."""

    starts_at: datetime
    ends_at: datetime


def joined(periods: Iterable[Period]) -> list[Period]:
    """Return periods that touch or overlap as one, in order."""
    whole: list[Period] = []
    for period in sorted(periods):
        if whole and period.starts_at <= whole[-1].ends_at + _TOLERANCE:
            whole[-1] = Period(whole[-1].starts_at, max(whole[-1].ends_at, period.ends_at))
        else:
            whole.append(period)
    return whole


def is_covered(starts_at: datetime, ends_at: datetime, periods: Sequence[Period]) -> bool:
    """Return whether one of joined periods has all of a time."""
    index = bisect_right(periods, starts_at, key=lambda period: period.starts_at) - 1
    return index >= 0 and ends_at <= periods[index].ends_at


def gaps(periods: Sequence[Period], first: datetime, last: datetime) -> Iterable[Period]:
    """Yield what joined periods leave out of the time from ``first`` to ``last``."""
    for period in periods:
        if period.starts_at > first and first < last:
            yield Period(first, min(period.starts_at, last))
        first = max(first, period.ends_at)
    if first < last or (not periods and first == last):
        yield Period(first, last)
