"""What the tables say of a refresh on Athena, a function for each question, and what it scanned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.athena.run_statements import Run, executions
from rolecall.aws.answer import Answer, Statistics, scan_price
from rolecall.aws.athena_client import Athena
from rolecall.refresh_summary import DoubtfulFile


@dataclass(frozen=True, slots=True)
class ScanTotals:
    """What the statements of a run took: their number, the bytes scanned, US dollars."""

    statement_count: int
    scanned_bytes: int
    price: float


class CountingAthena(Athena):
    """Counts what the questions of a refresh take, beside what dbt's statements do."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.taken: list[Statistics] = []

    def run(self, *arguments: Any, **options: Any) -> Answer:
        """Run a query and count it."""
        answer = super().run(*arguments, **options)
        self.taken.append(answer.statistics)
        return answer


def refresh_counts(
    athena: Athena, since: str | None, corrected_before: str | None
) -> dict[str, Any]:
    """Return how much was loaded after a time, and how much there is, by what is counted."""
    answer = athena.run(
        f"""
        select
            (
                select count(*) from log_reads
                where {_is_since(since)} and status <> 'unreadable'
            ) as file_count,
            (select count(*) from events where {_is_since(since)}) as event_count,
            (select count(*) from event_conflicts where {_is_since(since)}) as conflict_count,
            (
                select count(*) from event_corrections where {_is_since(corrected_before)}
            ) as correction_count,
            (
                select coalesce(sum(record_count), 0) from "events$partitions"
            ) as total_event_count,
            (select count(*) from log_files) as total_file_count,
            (select count(*) from role_switches) as total_switch_count
        """
    )
    (row,) = answer.rows()
    return dict(zip(answer.columns, row, strict=True))


def doubtful_files(athena: Athena, since: str | None) -> tuple[DoubtfulFile, ...]:
    """Return the log files of the newer loads with records that are rejected or misplaced."""
    answer = athena.run(
        f"""
        select
            log_file,
            coalesce(rejected_record_count, 0),
            coalesce(too_large_record_count, 0),
            coalesce(misplaced_record_count, 0)
        from log_reads
        where {_is_since(since)} and (rejected_record_count > 0 or misplaced_record_count > 0)
        order by log_file
        """
    )
    return tuple(
        DoubtfulFile(log_file, rejected, too_large, misplaced, ambiguous_count=0, is_replaced=False)
        for log_file, rejected, too_large, misplaced in answer.rows()
    )


def files_of(athena: Athena, table: str, since: str | None) -> tuple[tuple[str, int], ...]:
    """Return the log files of the newer rows of a table, each with the number of its rows."""
    answer = athena.run(
        f"""
        select log_file, count(*) from {table}
        where {_is_since(since)}
        group by log_file
        order by log_file
        """
    )
    return tuple((log_file, count) for log_file, count in answer.rows())


def _is_since(loaded_at: str | None) -> str:
    """Return the condition that a row was loaded after a time that Athena gave as text."""
    if loaded_at is None:
        return "true"
    return f"loaded_at > timestamp '{datetime.fromisoformat(loaded_at)}'"


def scan_totals(athena: CountingAthena, run: Run) -> ScanTotals | None:
    """Return what dbt's statements and the questions of a run took, None where AWS is silent."""
    try:
        found = list(executions(athena.client, run))
    except (ClientError, BotoCoreError):
        return None
    scanned = [
        (execution.get("Statistics", {}).get("DataScannedInBytes", 0), execution)
        for execution in found
    ]
    price = sum(
        scan_price(
            number, athena.price_per_tb, statement_type=execution.get("StatementType", "DML")
        )
        for number, execution in scanned
    )
    return ScanTotals(
        len(scanned) + len(athena.taken),
        sum(number for number, _ in scanned) + sum(each.scanned_bytes for each in athena.taken),
        price + sum(each.price for each in athena.taken),
    )
