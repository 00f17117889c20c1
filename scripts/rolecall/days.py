"""Days of delivery, as they are asked for, listed and loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """Days of delivery, both included; None means no bound.

    ``only`` are the accounts and regions to whose logs they are confined, () for none.
    """

    first: date | None = None
    last: date | None = None
    only: tuple[str, ...] = ()

    @property
    def starts_at(self) -> datetime | None:
        """The first instant, None without a bound."""
        return None if self.first is None else datetime.combine(self.first, datetime.min.time())

    @property
    def ends_at(self) -> datetime | None:
        """The first instant after them, None without a bound."""
        if self.last is None or self.last == date.max:
            return None
        return datetime.combine(self.last + _ONE_DAY, datetime.min.time())

    def has(self, day: date) -> bool:
        """Return whether a day is one of them."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def has_logs_of(self, account: str, region: str) -> bool:
        """Return whether they are not confined to others."""
        return not self.only or account in self.only or region in self.only


ALL_DAYS = Days()


@dataclass(frozen=True, slots=True)
class Span(Days):
    """Days that follow each other and have both ends."""

    first: date
    last: date

    @property
    def day_count(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1
