"""What Athena answered: rows with types, and what they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rolecall.aws.errors import doing
from rolecall.result import Result

if TYPE_CHECKING:
    from rolecall.aws.athena_client import Athena

PRICE_PER_TB = 5.0
"""What AWS asks for a terabyte scanned, in US dollars, in most regions ("Athena pricing")."""
PAGE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a query took: bytes, milliseconds, and its price in US dollars."""

    scanned_bytes: int
    queued_ms: int
    engine_ms: int
    total_ms: int
    price: float


class Answer:
    """The result of a query that succeeded; its rows are fetched page by page, when asked for.

    ``types`` are those of ``rolecall.result.Result``; ``output_location`` is where in S3
    the whole result is, as CSV.
    """

    def __init__(self, athena: Athena, execution: Mapping[str, Any]) -> None:
        self.query_id: str = execution["QueryExecutionId"]
        self.output_location: str = execution.get("ResultConfiguration", {}).get(
            "OutputLocation", ""
        )
        self.statistics = _statistics(execution, athena.price_per_tb)
        self._client = athena.client
        self._has_header = (
            execution.get("StatementType", "DML") == "DML"
            and execution.get("SubstatementType") != "EXPLAIN"
        )
        self._first_page = self._page(None)
        info = self._first_page["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
        self.columns: list[str] = [column["Name"] for column in info]
        self._athena_types = [column["Type"] for column in info]
        self.types: list[str] = [_TYPES.get(name, _TEXT).name for name in self._athena_types]

    def pages(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows, at most 1,000 at a time. Raises RolecallError."""
        read = [_TYPES.get(name, _TEXT).read for name in self._athena_types]
        page = self._first_page
        skipped = 1 if self._has_header and self.columns else 0
        while True:
            rows = page["ResultSet"].get("Rows", [])[skipped:]
            yield [_row(row.get("Data", []), read) for row in rows]
            if not page.get("NextToken"):
                return
            page, skipped = self._page(page["NextToken"]), 0

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows; NULL is None. Raises RolecallError."""
        for page in self.pages():
            yield from page

    def result(self) -> Result:
        """Return all rows as the command line writes them. Raises RolecallError."""
        from rolecall.rows import keep_rows

        return Result(self.columns, self.types, keep_rows(self.pages()))

    def _page(self, token: str | None) -> Mapping[str, Any]:
        more: dict[str, Any] = {} if token is None else {"NextToken": token}
        with doing(f"read the result of the query {self.query_id}"):
            return self._client.get_query_results(
                QueryExecutionId=self.query_id, MaxResults=PAGE_ROWS, **more
            )


def scan_price(
    scanned_bytes: int, price_per_tb: float = PRICE_PER_TB, *, statement_type: str = "DML"
) -> float:
    """Return what Athena asks for a query, in US dollars.

    Megabytes are rounded up, and a query costs at least ten; what reads metadata alone is free
    ("Athena pricing").
    """
    if statement_type != "DML":
        return 0.0
    megabytes = max(10, -(-scanned_bytes // 1_000_000))
    return megabytes * price_per_tb / 1_000_000


def _statistics(execution: Mapping[str, Any], price_per_tb: float) -> Statistics:
    counted = execution.get("Statistics", {})
    scanned_bytes = counted.get("DataScannedInBytes", 0)
    kind = execution.get("StatementType", "DML")
    return Statistics(
        scanned_bytes,
        counted.get("QueryQueueTimeInMillis", 0),
        counted.get("EngineExecutionTimeInMillis", 0),
        counted.get("TotalExecutionTimeInMillis", 0),
        scan_price(scanned_bytes, price_per_tb, statement_type=kind),
    )


def _row(
    data: Sequence[Mapping[str, str]], read: Sequence[Callable[[str], Any]]
) -> tuple[Any, ...]:
    # NULL is a cell without a value; '' has one. DESCRIBE has fewer cells than columns.
    texts = [cell.get("VarCharValue") for cell in data] + [None] * (len(read) - len(data))
    return tuple(
        None if text is None else read_value(text)
        for text, read_value in zip(texts, read, strict=True)
    )


def _timestamp(text: str) -> datetime:
    """Return a timestamp as UTC; a zone stands behind the time, as a name or an offset."""
    day, _, rest = text.partition(" ")
    time_of_day, _, zone = rest.partition(" ")
    moment = datetime.fromisoformat(f"{day} {time_of_day}")
    if not zone or zone == "UTC":
        return moment
    if zone[0] in "+-":
        return (
            datetime.fromisoformat(f"{moment.isoformat()}{zone}")
            .astimezone(UTC)
            .replace(tzinfo=None)
        )
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class _Type:
    name: str
    read: Callable[[str], Any]


def _or_text(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a time, or leaves it as text where Python's calendar does not reach it."""

    def read_if_known(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, OverflowError):
            return text

    return read_if_known


_TEXT = _Type("text", str)
_BIGINT, _DOUBLE = _Type("bigint", int), _Type("double", float)
_TIMESTAMP = _Type("timestamp", _or_text(_timestamp))
_TYPES = {
    "tinyint": _BIGINT,
    "smallint": _BIGINT,
    "integer": _BIGINT,
    "bigint": _BIGINT,
    "real": _DOUBLE,
    "float": _DOUBLE,
    "double": _DOUBLE,
    "decimal": _DOUBLE,
    "boolean": _Type("boolean", lambda text: text == "true"),
    "date": _Type("date", _or_text(date.fromisoformat)),
    "timestamp": _TIMESTAMP,
    "timestamp with time zone": _TIMESTAMP,
}
