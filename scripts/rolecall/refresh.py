"""Refresh the local target: run dbt on what is new, and say what came of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import duckdb

from rolecall.database import NAME, has_table, open_database
from rolecall.errors import RolecallError, SkippedError
from rolecall.log_source import LogSource
from rolecall.project import compile_analyses, failures, run_dbt
from rolecall.settings import Settings


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A log file that this refresh could not read, and why."""

    log_file: str
    problem: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh loaded and skipped; counts are of this refresh, totals of the database."""

    file_count: int
    empty_file_count: int
    event_count: int
    copied_record_count: int
    rejected_record_count: int
    unreadable: tuple[Unreadable, ...]
    rejected_files: tuple[tuple[str, int], ...]
    test_count: int
    total_event_count: int
    total_file_count: int
    total_switch_count: int


def refresh(settings: Settings) -> Refreshed:
    """Load new logs, rebuild the marts and test them, all by ``dbt build``.

    Raises RolecallError if the logs or the database cannot be used, or if dbt fails.
    """
    # The database is for its owner alone, and so is the folder made for it.
    os.umask(0o077)
    settings.database.absolute().parent.mkdir(parents=True, exist_ok=True)
    _check_logs(settings)
    result = run_dbt(["build", "--exclude-resource-type", "unit_test"], settings)
    if not result.success:
        raise RolecallError(f"The refresh failed: {failures(result)}")
    compile_analyses(settings)
    tests: list[Any] = [
        node_result
        for node_result in result.result.results
        if node_result.node.resource_type == "test"
    ]
    with open_database(settings.database, settings.wait_seconds) as connection:
        return _summary(connection, len(tests))


def check_strict(refreshed: Refreshed) -> None:
    """Raise SkippedError if the refresh left a file or a record out."""
    files, records = len(refreshed.unreadable), refreshed.rejected_record_count
    if files or records:
        raise SkippedError(
            f"Skipped {files:,} {'file' if files == 1 else 'files'} and {records:,}"
            f" {'record' if records == 1 else 'records'}, which --strict does not allow."
        )


def _check_logs(settings: Settings) -> None:
    """Raise RolecallError if the logs may not or cannot be loaded into the database."""
    if settings.database.exists():
        ledger = open_database(settings.database, settings.wait_seconds)
    else:
        ledger = duckdb.connect(":memory:")
    with ledger:
        LogSource(settings.logs, add_logs=settings.add_logs).roots(ledger)


def _summary(connection: duckdb.DuckDBPyConnection, test_count: int) -> Refreshed:
    if not has_table(connection, "stg_cloudtrail__log_reads"):
        raise RolecallError("The refresh left no tables behind: see the log of dbt.")
    connection.execute(f"use {NAME}")
    reads = connection.execute(
        """
        select
            count(*) filter (where status <> 'unreadable'),
            count(*) filter (where status = 'empty'),
            coalesce(sum(copied_record_count), 0),
            coalesce(sum(rejected_record_count), 0)
        from stg_cloudtrail__log_reads
        """
    ).fetchall()[0]
    (event_count,) = connection.execute(
        """
        select count(*) from events
        where load_id in (select load_id from stg_cloudtrail__log_reads)
        """
    ).fetchall()[0]
    unreadable = connection.execute(
        """
        select log_file, problem from stg_cloudtrail__log_reads
        where status = 'unreadable'
        order by log_file
        """
    ).fetchall()
    rejected = connection.execute(
        """
        select log_file, rejected_record_count from stg_cloudtrail__log_reads
        where rejected_record_count > 0
        order by log_file
        """
    ).fetchall()
    totals = connection.execute(
        """
        select
            (select count(*) from events),
            (select count(*) from log_files),
            (select count(*) from role_switches)
        """
    ).fetchall()[0]
    files, empty_files, copied, rejected_records = reads
    return Refreshed(
        files,
        empty_files,
        event_count,
        copied,
        rejected_records,
        tuple(Unreadable(*row) for row in unreadable),
        tuple(rejected),
        test_count,
        *totals,
    )
