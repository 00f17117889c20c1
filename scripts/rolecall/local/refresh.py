"""Refresh the local target: read what is new slice by slice, then build and test once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from rolecall.errors import RolecallError
from rolecall.local.database import (
    FIRST_SCHEMA_VERSION,
    NAME,
    PATIENCE_SECONDS,
    SCHEMA_VERSION,
    drop_retired,
    duckdb_errors_as_sentences,
    has_table,
    is_outdated,
    open_for_writing,
    open_memory_database,
    set_schema_version,
)
from rolecall.local.forgotten import (
    has_forgotten_text,
    remember_cleaning,
    remember_forgotten,
    rewrite,
)
from rolecall.local.ledger import (
    Attempt,
    LogFoldersGoneError,
    NoLogsError,
    check_events_are_there,
    check_has_logs,
    known_log_roots,
    log_roots,
    newest_attempts,
    not_done,
    remember_identities,
    remember_log_roots,
    sorted_log_files,
)
from rolecall.local.lock import only_writer
from rolecall.local.log_files import LogFile, printable
from rolecall.local.log_reader import read_records
from rolecall.local.log_records import UnreadableLogError
from rolecall.local.progress import LoadProgress
from rolecall.memory import give_memory_back, machine_bytes, memory_parts
from rolecall.project.analyses import compile_analyses
from rolecall.project.location import project_digest
from rolecall.project.run import failures, run_dbt
from rolecall.refresh_summary import DoubtfulFile, LocalRefreshSummary, Unreadable
from rolecall.settings import Settings

if TYPE_CHECKING:
    from dbt.contracts.results import RunResult

    from rolecall.local.log_source import FileRead

# What a run of dbt for one slice builds and tests: all that remembers.
_STORE = ("path:models/staging", "path:models/store")
# Packed bytes of a file that is not packed: CloudTrail's JSON packs about ten to one.
_PACKED_SHARE = 10
# How DuckDB says that its memory does not suffice, and how many files fewer are tried then.
_OUT_OF_MEMORY = "Out of Memory"
_FEWER = 4


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
    told_corrections: set[tuple[str, str]] = field(default_factory=set)
    files: list[LogFile] = field(default_factory=list)


@dataclass(slots=True)
class _Outcome:
    """What became of the files and tests of a refresh; ``tables`` are those it built last."""

    file_count: int = 0
    empty_file_count: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    test_count: int = 0
    tables: list[str] = field(default_factory=list)

    def note_results(self, results: Sequence[RunResult]) -> None:
        """Count the tests of a run of dbt, and remember the tables that it made."""
        nodes = [result.node for result in results]
        self.test_count += sum(node.resource_type == "test" for node in nodes)
        self.tables = [node.alias for node in nodes if node.resource_type == "model"]

    def note(self, read: FileRead) -> None:
        """Count a file that was read; a folder that can be listed again is not a file."""
        if read.status == "unreadable":
            self.unreadable.append(Unreadable(read.file.log_file, read.problem or ""))
            return
        if read.file.is_folder:
            return
        self.file_count += 1
        self.empty_file_count += read.status == "empty"


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
        outcome = _Outcome(unreadable=plan.still_unreadable)
        is_news = plan.unread or plan.is_outdated or not plan.is_built or settings.audit
        if is_news:
            _load_and_build(plan, outcome, settings)
            compile_analyses(settings)
        with open_for_writing(settings.database, PATIENCE_SECONDS) as connection:
            if not has_table(connection, "log_reads"):
                raise RolecallError("The refresh left no tables behind: see the log of dbt.")
            remember_log_roots(connection, plan.roots)
            remember_identities(connection, plan.files)
            if is_news:
                _remember(connection, outcome.tables)
            summary = _refresh_summary(connection, plan, outcome)
            is_owed_rewriting = has_forgotten_text(connection)
        if is_owed_rewriting:  # a `forget` that died
            rewrite(settings.database)
        return summary


def forget_locally(settings: Settings, first_day: date) -> int:
    """Remove the events before ``first_day`` (UTC) and what follows from them; return how many.

    The day is remembered and ``log_reads`` stays, so that nothing comes back. Killed half-way,
    the next refresh does the rest. Raises RolecallError as ``refresh_locally`` does.
    """
    if not settings.database.exists():
        raise RolecallError(f"There is no database {settings.database} to forget anything of.")
    os.umask(0o077)
    with only_writer(settings.database), duckdb_errors_as_sentences(settings.database):
        with open_for_writing(settings.database, settings.wait_seconds) as connection:
            check_events_are_there(connection)
            forgotten = _forgotten(connection, first_day)
        plan = _RefreshPlan([], [], [], [], is_built=False, is_outdated=True, newest_loaded_at=None)
        outcome = _Outcome()
        _load_and_build(plan, outcome, settings)
        with open_for_writing(settings.database, PATIENCE_SECONDS) as connection:
            _remember(connection, outcome.tables)
        rewrite(settings.database)
    return forgotten


def _forgotten(connection: duckdb.DuckDBPyConnection, first_day: date) -> int:
    """Remove the events before a day, and mark what follows from events as to be rebuilt."""
    if not has_table(connection, "events"):
        return 0
    connection.execute("begin")
    ((count,),) = connection.execute(
        f"delete from {NAME}.main.events where event_at < ?", [first_day]
    ).fetchall()
    if has_table(connection, "event_conflicts"):
        connection.execute(
            f"delete from {NAME}.main.event_conflicts where event_at < ? or stored_event_at < ?",
            [first_day, first_day],
        )
    remember_forgotten(connection, first_day)
    set_schema_version(connection, FIRST_SCHEMA_VERSION)
    connection.execute("commit")
    return int(count)


def slices(files: Sequence[LogFile], slice_bytes: int) -> Iterator[list[LogFile]]:
    """Yield ``files`` in order, in parts of about ``slice_bytes`` packed bytes, at least one.

    Copies of one key go into different parts: a load has one row of the ledger for each key.
    """
    part: dict[str, LogFile] = {}
    part_bytes = 0
    for file in files:
        if part and (part_bytes >= slice_bytes or file.log_file in part):
            yield list(part.values())
            part, part_bytes = {}, 0
        part[file.log_file] = file
        part_bytes += packed_bytes(file)
    if part:
        yield list(part.values())


def packed_bytes(file: LogFile) -> int:
    """Return the size of a log file in bytes, about what it is or would be when packed."""
    size_bytes = file.size_bytes or 0
    return size_bytes if file.path.endswith(".gz") else size_bytes // _PACKED_SHARE


def _check_logs_are_there(settings: Settings) -> None:
    """Raise RolecallError if the logs are not there: before anything is made for them."""
    if not settings.database.exists():
        with open_memory_database() as nothing:
            check_has_logs(log_roots(nothing, settings.logs))


def _plan(settings: Settings) -> _RefreshPlan:
    with open_for_writing(settings.database, settings.wait_seconds) as ledger:
        check_events_are_there(ledger)
        newest_loaded_at, newest_load = _newest_stored_load(ledger)
        is_built = _is_built(ledger, newest_load)
        # Without events, what follows from any is of others.
        must_rebuild = is_outdated(ledger) or not has_table(ledger, "events")
        is_due = must_rebuild or not is_built or settings.audit or has_forgotten_text(ledger)
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
            is_built=is_built,
            is_outdated=must_rebuild,
            newest_loaded_at=newest_loaded_at,
            passed_over=passed_over,
            newest_read_at=_newest_read_at(ledger),
            told_corrections=_told_corrections(ledger),
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


def _load_and_build(plan: _RefreshPlan, outcome: _Outcome, settings: Settings) -> None:
    """Load all slices but the last with the store alone, the last one with all that follows.

    How much is in a file shows when it is read: a slice that turns out too large ends early, and
    those that follow are made as small.
    """
    waiting: Sequence[LogFile] = plan.unread
    slice_bytes = settings.slice_bytes
    number = 0
    with LoadProgress(plan.unread, packed_bytes) as progress:
        while waiting or number == 0:
            number += 1
            files, *rest = list(slices(waiting, slice_bytes)) or [[]]
            arguments = ["build", "--exclude-resource-type", "unit_test"]
            if rest:
                # Tests that compare the store with what follows from it wait for the last slice.
                arguments += ["--select", *_STORE, "--indirect-selection", "cautious"]
            if plan.is_outdated and number == 1:
                # What may be rebuilt is rebuilt from the events, which stay.
                arguments.append("--full-refresh")
            reads, results = _loaded(arguments, number, files, progress, settings)
            for read in reads:
                outcome.note(read)
            outcome.note_results(results)
            if len(reads) < len(files):
                slice_bytes = max(sum(packed_bytes(read.file) for read in reads), 1)
                rest = list(slices(waiting[len(reads) :], slice_bytes))
            waiting = waiting[len(reads) :]
            progress.slice_done(number, number + len(rest))


def _loaded(
    arguments: list[str],
    number: int,
    files: Sequence[LogFile],
    progress: LoadProgress,
    settings: Settings,
) -> tuple[list[FileRead], Sequence[RunResult]]:
    """Load a slice and return what became of its files, the first ones at least, and of dbt's run.

    What is too much for DuckDB's memory is tried again with one thread and fewer files, and then
    with all the memory that the machine has: nothing that is stored can stop a refresh for good.
    Raises RolecallError.
    """
    from rolecall.local.dbt_plugin import Slice, loading

    few = files[: max(len(files) // _FEWER, 1)]
    tries = (
        Slice(number, files),
        Slice(number, few, threads=1),
        Slice(number, few, threads=1, database_bytes=machine_bytes()),
    )
    for part in tries:
        reads: list[FileRead] = []
        with loading(replace(part, on_read=partial(_note_read, reads, progress))):
            result = run_dbt(arguments, settings)
        if result.success:
            break
        if _OUT_OF_MEMORY not in failures(result) or part is tries[-1]:
            raise RolecallError(f"The refresh failed: {failures(result)}")
    return reads, result.result.results


def _note_read(reads: list[FileRead], progress: LoadProgress, read: FileRead) -> None:
    reads.append(read)
    progress.advance(read.file)


def _is_built(connection: duckdb.DuckDBPyConnection, newest_load: str | None) -> bool:
    """Return whether the last complete build was of this project and load, and is all there."""
    match _complete_build(connection):
        case project, load_id, tables:
            is_current = (project, load_id) == (project_digest(), newest_load)
            return is_current and _relations(connection).issuperset(tables)
    return False


def _complete_build(connection: duckdb.DuckDBPyConnection) -> tuple[str, str, list[str]] | None:
    """Return project, newest load and tables of the last complete build."""
    if not has_table(connection, "rolecall_complete_build"):
        return None
    builds = connection.execute(f"select * from {NAME}.main.rolecall_complete_build").fetchall()
    match builds:
        case [(project, load_id, tables)]:
            return project, load_id, tables
    return None  # an older version remembered less


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables and views of the database: a model is the one or the other."""
    rows = connection.execute(
        "select table_name from information_schema.tables where table_catalog = ?", [NAME]
    ).fetchall()
    return {name for (name,) in rows}


def _remember(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> None:
    """Note what this refresh has made complete: the next one may have nothing to do."""
    connection.execute("begin")
    drop_retired(connection)
    set_schema_version(connection, SCHEMA_VERSION)
    connection.execute(
        f"create or replace table {NAME}.main.rolecall_complete_build as"
        " select ? as project, ? as load_id, ?::varchar[] as tables",
        [project_digest(), _newest_stored_load(connection)[1], tables],
    )
    connection.execute("commit")


def _newest_stored_load(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[datetime, str] | tuple[None, None]:
    """Return time and id of the newest load that left anything: one that died has no ledger."""
    loads: list[tuple[datetime, str]] = []
    for table in ("events", "log_reads"):
        if has_table(connection, table):
            name = f"{NAME}.main.{table}"
            loads += connection.execute(
                f"select loaded_at, max(load_id) from {name}"
                f" where loaded_at = (select max(loaded_at) from {name}) group by 1"
            ).fetchall()
    return max(loads, default=(None, None))


def _newest_read_at(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return the time of the newest load in the ledger: what a dead run left is newer."""
    if not has_table(connection, "log_reads"):
        return None
    ((loaded_at,),) = connection.execute(
        f"select max(loaded_at) from {NAME}.main.log_reads"
    ).fetchall()
    newest: datetime | None = loaded_at
    return newest


def _told_corrections(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Return the keys of corrections that were there when a refresh last told of them.

    What a version that knew none had stored was not, nor what a run left that died.
    """
    build, read_at = _complete_build(connection), _newest_read_at(connection)
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


def _refresh_summary(
    connection: duckdb.DuckDBPyConnection, plan: _RefreshPlan, outcome: _Outcome
) -> LocalRefreshSummary:
    connection.execute(f"use {NAME}")
    since = plan.newest_loaded_at or datetime.min
    ((event_count,),) = connection.execute(
        "select count(*) from events where loaded_at > ?", [since]
    ).fetchall()
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
    doubtful_files = connection.execute(
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
    read_since = plan.newest_read_at or datetime.min
    conflicting_files = connection.execute(
        """
        select log_file, count(*)
        from event_conflicts
        where loaded_at > ?
        group by log_file
        order by log_file
        """,
        [read_since],
    ).fetchall()
    correcting_files = Counter(
        log_file
        for *key, log_file in connection.execute(
            "select event_id, recipient_account_id, log_file from event_corrections"
        ).fetchall()
        if tuple(key) not in plan.told_corrections
    )
    (totals,) = connection.execute(
        """
        select
            (select count(*) from events),
            (select count(*) from log_files),
            (select count(*) from role_switches)
        """
    ).fetchall()
    total_events, total_files, total_switches = totals
    return LocalRefreshSummary(
        file_count=outcome.file_count,
        empty_file_count=outcome.empty_file_count,
        event_count=event_count,
        copied_record_count=copied,
        forgotten_record_count=forgotten,
        unreadable=tuple(sorted(outcome.unreadable, key=lambda unreadable: unreadable.log_file)),
        doubtful_files=tuple(DoubtfulFile(*file) for file in doubtful_files),
        conflicting_files=tuple(conflicting_files),
        correcting_files=tuple(sorted(correcting_files.items())),
        test_count=outcome.test_count,
        total_event_count=total_events,
        total_file_count=total_files,
        total_switch_count=total_switches,
        missing_log_roots=tuple(plan.missing_log_roots),
        passed_over=plan.passed_over,
    )
