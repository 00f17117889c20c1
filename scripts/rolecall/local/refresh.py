"""Refresh the local target: read what is new slice by slice, then build and test once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from rolecall.errors import RolecallError
from rolecall.local import summary
from rolecall.local.complete_build import is_built, newest_stored_load, remember_build
from rolecall.local.database import (
    NAME,
    PATIENCE_SECONDS,
    duckdb_errors_as_sentences,
    has_table,
    is_outdated,
    open_for_writing,
    open_memory_database,
)
from rolecall.local.forgotten import (
    has_forgotten_text,
    remember_cleaning,
    rewrite,
)
from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.ledger import (
    Attempt,
    check_events_are_there,
    newest_attempts,
    not_done,
    remember_identities,
    sorted_log_files,
)
from rolecall.local.lock import only_writer
from rolecall.local.log_files import LogFile, printable
from rolecall.local.log_reader import read_records
from rolecall.local.log_roots import (
    LogFoldersGoneError,
    NoLogsError,
    check_has_logs,
    known_log_roots,
    log_roots,
    remember_log_roots,
)
from rolecall.local.slice_load import LoadOutcome, load_and_build
from rolecall.memory import give_memory_back, memory_parts
from rolecall.project.analyses import compile_analyses
from rolecall.refresh_summary import LocalRefreshSummary, Unreadable
from rolecall.settings import Settings


@dataclass(slots=True)
class _RefreshPlan:
    """What a refresh has to do, found out before dbt is started."""

    roots: list[Path]
    missing_log_roots: list[str]
    unread: list[LogFile]
    still_unreadable: list[Unreadable]
    is_built: bool
    is_outdated: bool
    newest_loaded_at: datetime | None
    passed_over: Counter[str] = field(default_factory=Counter)
    newest_read_at: datetime | None = None
    known_corrections: set[tuple[str, str]] = field(default_factory=set)
    files: list[LogFile] = field(default_factory=list)


def refresh_locally(settings: Settings) -> LocalRefreshSummary:
    """Load new log files, rebuild the marts and test them; do nothing where nothing is new.

    Pending rebuilds run even if there is no log folder.
    Raises RolecallError if the logs or the database cannot be used, if another process is
    changing the database, or if dbt fails.
    """
    # The database is for its owner alone, and so is the folder made for it.
    os.umask(0o077)
    give_memory_back()
    _check_logs_are_there(settings)
    settings.database.absolute().parent.mkdir(parents=True, exist_ok=True)
    with only_writer(settings.database), duckdb_errors_as_sentences(settings.database):
        plan = _plan(settings)
        outcome = LoadOutcome(unreadable=plan.still_unreadable)
        is_news = plan.unread or plan.is_outdated or not plan.is_built or settings.audit
        if is_news:
            load_and_build(plan.unread, outcome, settings, rebuilds_store=plan.is_outdated)
            compile_analyses(settings)
        with open_for_writing(settings.database, PATIENCE_SECONDS) as connection:
            if not has_table(connection, "log_reads"):
                raise RolecallError("The refresh left no tables behind: see the log of dbt.")
            remember_log_roots(connection, plan.roots)
            remember_identities(connection, plan.files)
            if is_news:
                remember_build(connection, outcome.tables)
            refreshed = _summary(connection, plan, outcome)
            is_owed_rewriting = has_forgotten_text(connection)
        if is_owed_rewriting:  # a `forget` that died
            rewrite(settings.database)
        return refreshed


def _check_logs_are_there(settings: Settings) -> None:
    """Raise RolecallError if the logs are not there: before anything is made for them."""
    if not settings.database.exists():
        with open_memory_database() as nothing:
            check_has_logs(log_roots(nothing, settings.logs))


def _plan(settings: Settings) -> _RefreshPlan:
    with open_for_writing(settings.database, settings.wait_seconds) as ledger:
        check_events_are_there(ledger)
        newest_loaded_at, newest_load = newest_stored_load(ledger)
        is_whole = is_built(ledger, newest_load)
        # Without events, what follows from any is of others.
        must_rebuild = is_outdated(ledger) or not has_table(ledger, "events")
        is_due = must_rebuild or not is_whole or settings.audit or has_forgotten_text(ledger)
        roots = _log_roots(ledger, settings, is_due=is_due)
        known = [] if settings.logs is not None else known_log_roots(ledger)
        attempts = newest_attempts(ledger)
        if is_outdated(ledger):
            if has_table(ledger, "events"):
                remember_cleaning(ledger)
            # A newer reader may understand what an older one rejected.
            attempts = {
                log_file: attempt
                for log_file, attempt in attempts.items()
                if not attempt.rejected_record_count
            }
        passed_over: Counter[str] = Counter()
        read_at = summary.newest_read_at(ledger)
        files = sorted_log_files(roots, attempts, passed_over)
        if roots and not files and not is_due:
            raise NoLogsError(roots, passed_over)
        log_bytes = memory_parts(settings.memory).log_bytes
        unread = not_done(files, attempts, log_bytes)
        still_unreadable = [
            Unreadable(file.log_file, problem)
            for file in unread
            if (problem := _same_problem(file, attempts, log_bytes)) is not None
        ]
        skipped = {unreadable.log_file for unreadable in still_unreadable}
        return _RefreshPlan(
            roots=roots,
            missing_log_roots=sorted(set(known).difference(printable(str(root)) for root in roots)),
            unread=[file for file in unread if file.log_file not in skipped],
            still_unreadable=still_unreadable,
            is_built=is_whole,
            is_outdated=must_rebuild,
            newest_loaded_at=newest_loaded_at,
            passed_over=passed_over,
            newest_read_at=read_at,
            known_corrections=summary.known_corrections(ledger, read_at),
            files=files,
        )


def _log_roots(
    ledger: duckdb.DuckDBPyConnection, settings: Settings, *, is_due: bool
) -> list[Path]:
    """Return the folders to load from; none if all are gone and something else is due."""
    try:
        return log_roots(ledger, settings.logs, add_logs=settings.add_logs)
    except LogFoldersGoneError:
        if is_due:
            return []
        raise


def _same_problem(file: LogFile, attempts: Mapping[str, Attempt], log_bytes: int) -> str | None:
    """Return the problem of a file that was unreadable and, tried once more, still is."""
    attempt = attempts.get(file.log_file)
    if attempt is None or not attempt.was_of(file):
        return None
    try:
        read_records(file, log_bytes)
    except UnreadableLogError as error:
        return attempt.problem if str(error) == attempt.problem else None
    return None


def _summary(
    connection: duckdb.DuckDBPyConnection, plan: _RefreshPlan, outcome: LoadOutcome
) -> LocalRefreshSummary:
    connection.execute(f"use {NAME}")
    since = plan.newest_loaded_at or datetime.min
    copied_count, forgotten_count = summary.left_out_counts(connection, since)
    event_count, file_count, switch_count = summary.totals(connection)
    return LocalRefreshSummary(
        file_count=outcome.file_count,
        empty_file_count=outcome.empty_file_count,
        event_count=summary.new_event_count(connection, since),
        copied_record_count=copied_count,
        forgotten_record_count=forgotten_count,
        unreadable=tuple(sorted(outcome.unreadable, key=lambda unreadable: unreadable.log_file)),
        doubtful_files=summary.doubtful_files(connection, since),
        conflicting_files=summary.conflicting_files(
            connection, plan.newest_read_at or datetime.min
        ),
        correcting_files=summary.correcting_files(connection, plan.known_corrections),
        test_count=outcome.test_count,
        total_event_count=event_count,
        total_file_count=file_count,
        total_switch_count=switch_count,
        missing_log_roots=tuple(plan.missing_log_roots),
        passed_over=plan.passed_over,
    )
