"""What a query gave, on either engine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query, which can be read as often as need be.

    ``types`` are text, bigint, ubigint, hugeint, decimal(PRECISION,SCALE), double, boolean, date or
    timestamp (UTC). A date or a time that Python has none for is text.
    """

    columns: Sequence[str]
    types: Sequence[str]
    rows: Collection[tuple[Any, ...]]
