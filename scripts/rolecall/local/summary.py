"""What the database says of a refresh of the local target, a function for each question.

The connection uses the database of Rolecall.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

import duckdb

from rolecall.local.complete_build import complete_build
from rolecall.local.database import NAME, has_table
from rolecall.refresh_summary import DoubtfulFile


def new_event_count(connection: duckdb.DuckDBPyConnection, since: datetime) -> int:
    """Return how many events were loaded after a time."""
    ((count,),) = connection.execute(
        "select count(*) from events where loaded_at > ?", [since]
    ).fetchall()
    return int(count)


def left_out_counts(connection: duckdb.DuckDBPyConnection, since: datetime) -> tuple[int, int]:
    """Return how many records of the newer loads were copies, and how many forgotten."""
    ((copied, forgotten),) = connection.execute(
        """
        select
            coalesce(sum(copied_record_count), 0),
            coalesce(sum(forgotten_record_count), 0)
        from log_reads
        where loaded_at > ?
        """,
        [since],
    ).fetchall()
    return int(copied), int(forgotten)


def doubtful_files(
    connection: duckdb.DuckDBPyConnection, since: datetime
) -> tuple[DoubtfulFile, ...]:
    """Return the log files of the newer loads with records that are rejected or contradict them."""
    rows = connection.execute(
        """
        select
            log_file,
            coalesce(rejected_record_count, 0),
            coalesce(too_large_record_count, 0),
            coalesce(misplaced_record_count, 0),
            coalesce(ambiguous_record_count, 0),
            exists (
                select 1
                from log_reads as earlier
                where
                    earlier.log_file = log_reads.log_file
                    and earlier.size_bytes = log_reads.size_bytes
                    and earlier.modified_at = log_reads.modified_at
                    and earlier.sha256 <> log_reads.sha256
                    and earlier.loaded_at < log_reads.loaded_at
            ) as is_replaced
        from log_reads
        where
            loaded_at > ?
            and (
                rejected_record_count > 0 or misplaced_record_count > 0
                or ambiguous_record_count > 0 or is_replaced
            )
        order by log_file
        """,
        [since],
    ).fetchall()
    return tuple(DoubtfulFile(*row) for row in rows)


def conflicting_files(
    connection: duckdb.DuckDBPyConnection, since: datetime
) -> tuple[tuple[str, int], ...]:
    """Return the log files of the newer conflicts, each with the number of these."""
    rows = connection.execute(
        """
        select log_file, count(*)
        from event_conflicts
        where loaded_at > ?
        group by log_file
        order by log_file
        """,
        [since],
    ).fetchall()
    return tuple((log_file, count) for log_file, count in rows)


def correcting_files(
    connection: duckdb.DuckDBPyConnection, known: Collection[tuple[str, str]]
) -> tuple[tuple[str, int], ...]:
    """Return the log files of corrections whose keys are not known, each with their number."""
    rows = connection.execute(
        "select event_id, recipient_account_id, log_file from event_corrections"
    ).fetchall()
    counts = Counter(log_file for *key, log_file in rows if tuple(key) not in known)
    return tuple(sorted(counts.items()))


def totals(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Return how many events, log files and role switches there are."""
    ((events, files, switches),) = connection.execute(
        """
        select
            (select count(*) from events),
            (select count(*) from log_files),
            (select count(*) from role_switches)
        """
    ).fetchall()
    return int(events), int(files), int(switches)


def newest_read_at(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return the time of the newest load in the ledger: what a dead run left is newer."""
    if not has_table(connection, "log_reads"):
        return None
    ((loaded_at,),) = connection.execute(
        f"select max(loaded_at) from {NAME}.main.log_reads"
    ).fetchall()
    newest: datetime | None = loaded_at
    return newest


def known_corrections(
    connection: duckdb.DuckDBPyConnection, read_at: datetime | None
) -> set[tuple[str, str]]:
    """Return the keys of the corrections that the last refresh spoke of, up to the newest load.

    What a version that knew none had stored was not, nor what a run left that died.
    """
    build = complete_build(connection)
    is_known = build is not None and "event_corrections" in build[2]
    if read_at is None or not is_known or not has_table(connection, "event_corrections"):
        return set()
    return set(
        connection.execute(
            "select event_id, recipient_account_id"
            f" from {NAME}.main.event_corrections where loaded_at <= ?",
            [read_at],
        ).fetchall()
    )
