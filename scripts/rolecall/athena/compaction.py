"""Compact the tables of the store on Athena, where many small appends have made that pay.

Each load adds at least one file to each partition that it has rows for, and each file that is read
is a request and a pause. ``OPTIMIZE`` writes the files of a partition anew as few large ones, in
one commit, and ``VACUUM`` removes what only snapshots older than five days need: readers see no
difference (Athena User Guide, "Optimize Iceberg tables").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from rolecall.aws.athena_client import Athena
from rolecall.aws.failed_queries import QueryError

FEWEST_FILES = 20
"""How many files make it pay to compact a day or a month that is over, about once each."""

FEWEST_GROWING_FILES = 200
"""The same for one that still grows, whose rows are written anew each time."""

SMALL_BYTES = 32_000_000
"""Files of this size in the mean are large enough."""

# A day and a month are over when what comes late can be no more than a file or two.
_LATE = timedelta(days=2)
_MOST_SPANS = 50
_MOST_RUNS = 20
_MORE_RUNS = ("ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED", "ICEBERG_VACUUM_MORE_RUNS_NEEDED")


@dataclass(frozen=True, slots=True)
class StoreTable:
    """A table of the store, partitioned by the ``unit`` (day or month) of a time."""

    name: str
    time: str
    unit: str

    def span(self, partition: int) -> tuple[date, date]:
        """Return the first day of a partition and the first after it.

        Iceberg numbers days and months from 1970 on ("Partition transforms").
        """
        if self.unit == "day":
            first = date(1970, 1, 1) + timedelta(days=partition)
            return first, first + timedelta(days=1)
        year, month = divmod(partition, 12)
        after_year, after_month = divmod(partition + 1, 12)
        return date(1970 + year, month + 1, 1), date(1970 + after_year, after_month + 1, 1)

    def optimize(self, spans: Iterable[tuple[date, date]]) -> str:
        """Return the statement that compacts some partitions: whole ones, as Athena wants it."""
        conditions = (
            f"({self.time} >= timestamp '{first} 00:00:00'"
            f" and {self.time} < timestamp '{after} 00:00:00')"
            for first, after in spans
        )
        return f"OPTIMIZE {self.name} REWRITE DATA USING BIN_PACK WHERE {' or '.join(conditions)}"


# As their .yml files have it.
STORE = (
    StoreTable("events", "event_at", "day"),
    StoreTable("identity_events", "event_at", "month"),
    StoreTable("session_actions", "session_created_at", "month"),
    StoreTable("account_activity", "loaded_at", "month"),
    StoreTable("log_reads", "loaded_at", "month"),
)


@dataclass(frozen=True, slots=True)
class Compaction:
    """The tables that were compacted, and for those that could not be, why."""

    tables: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def compact(athena: Athena, today: date) -> Compaction:
    """Compact what pays; where nothing does, that takes one statement.

    A table that cannot be compacted now can be by a later refresh: nothing is raised for it.
    """
    done, problems = [], []
    for table, spans in _worthwhile(athena, today):
        try:
            _run_until_done(athena, table.optimize(spans))
            _run_until_done(athena, f"VACUUM {table.name}")
            done.append(table.name)
        except QueryError as error:
            problems.append(f"{table.name} could not be compacted: {error}")
    return Compaction(tuple(done), tuple(problems))


def _worthwhile(
    athena: Athena, today: date
) -> Iterator[tuple[StoreTable, list[tuple[date, date]]]]:
    """Yield the tables with partitions of many small files, and the days of these, oldest first."""
    found = list(athena.run(" union all ".join(map(_crowded_partitions, STORE))).rows())
    for table in STORE:
        spans = sorted(
            table.span(partition)
            for name, partition, file_count in found
            if name == table.name
            and (table.span(partition)[1] + _LATE <= today or file_count >= FEWEST_GROWING_FILES)
        )
        if spans:
            yield table, spans[:_MOST_SPANS]


def _crowded_partitions(table: StoreTable) -> str:
    partition = f"partition.{table.time}_{table.unit}"
    if table.unit == "day":
        partition = f"date_diff('day', date '1970-01-01', {partition})"
    return (
        f"select '{table.name}' as name, cast({partition} as bigint) as number, file_count"
        f' from "{table.name}$partitions"'
        f" where file_count >= {FEWEST_FILES} and total_size < file_count * {SMALL_BYTES}"
    )


def _run_until_done(athena: Athena, sql: str) -> None:
    """Run a statement until Athena asks for no other run; each goes on where the last one was."""
    for _ in range(_MOST_RUNS):
        try:
            athena.run(sql)
            return
        except QueryError as error:
            if not any(name in error.reason for name in _MORE_RUNS):
                raise
