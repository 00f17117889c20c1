"""Enter the days that digest files prove to have no log file, so that they count as covered."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from rolecall.athena.archived_logs import day_parts, log_days, told_days, told_days_query
from rolecall.aws.trail_bucket import LogDay
from rolecall.errors import RolecallError
from rolecall.local.database import (
    NAME,
    PATIENCE_SECONDS,
    check_schema_version,
    duckdb_errors_as_sentences,
    has_table,
    open_for_writing,
)
from rolecall.local.lock import only_writer
from rolecall.project.run import failures, run_dbt
from rolecall.settings import Settings
from rolecall.verification.report import VerificationReport

_TABLE, _FLAG = "empty_days", "is_empty"
_COVERAGE = "log_coverage"
# The models from such days to coverage.
_FOLLOWING = (f"{_TABLE}+,+{_COVERAGE}", "--exclude", _TABLE)


def enter_empty_days(report: VerificationReport, settings: Settings) -> Mapping[LogDay, bool]:
    """Enter what was found of days, and build the table of coverage anew where that is news.

    Returns the days that are now known to be empty, and those that are not after all; none where
    nothing was ever loaded, so that there is no such table. Raises RolecallError.
    """
    settings = settings.model_copy(update={"logs": None})
    if settings.target == "athena":
        return _enter_on_athena(report, settings)
    return _enter_locally(report, settings)


def _changes(report: VerificationReport, known: set[LogDay]) -> dict[LogDay, bool]:
    """Return the days of which the store does not know yet that they are empty, or are not."""
    return dict.fromkeys(report.empty_days - known, True) | dict.fromkeys(
        known & report.other_days, False
    )


def _enter_locally(report: VerificationReport, settings: Settings) -> Mapping[LogDay, bool]:
    if not settings.database.exists():
        return {}
    os.umask(0o077)  # the database is for its owner alone, and so is DuckDB's log of changes
    with only_writer(settings.database), duckdb_errors_as_sentences(settings.database):
        with open_for_writing(settings.database, settings.wait_seconds) as connection:
            check_schema_version(connection)
            if not has_table(connection, _COVERAGE):
                return {}
            is_there = has_table(connection, _TABLE)
        if not is_there:
            _build(settings, _TABLE)
        with open_for_writing(settings.database, PATIENCE_SECONDS) as connection:
            known = log_days(
                connection.execute(told_days_query(f"{NAME}.main.{_TABLE}", _FLAG)).fetchall()
            )
            changes = _changes(report, known)
            if not changes:
                return {}
            builds = _insert(connection, changes)
        _build(settings, *_FOLLOWING)
        with open_for_writing(settings.database, PATIENCE_SECONDS) as connection:
            _restore(connection, builds)
    return changes


def _insert(
    connection: duckdb.DuckDBPyConnection, changes: dict[LogDay, bool]
) -> list[tuple[Any, ...]]:
    """Enter days, and return the note of the last complete build, which holds no more."""
    connection.execute("begin")
    connection.executemany(
        f"insert into {NAME}.main.{_TABLE} (log_root, account_id, aws_region, delivered_date,"
        " is_empty, load_id, loaded_at) values (?, ?, ?, ?, ?, ?, ?)",
        _rows(changes),
    )
    builds: list[tuple[Any, ...]] = []
    if has_table(connection, "rolecall_complete_build"):
        builds = connection.execute(
            f"delete from {NAME}.main.rolecall_complete_build returning *"
        ).fetchall()
    connection.execute("commit")
    return builds


def _rows(changes: dict[LogDay, bool]) -> list[list[object]]:
    load_id, loaded_at = str(uuid.uuid4()), datetime.now(UTC).replace(tzinfo=None)
    return [[*day, is_empty, load_id, loaded_at] for day, is_empty in changes.items()]


def _restore(connection: duckdb.DuckDBPyConnection, builds: list[tuple[Any, ...]]) -> None:
    for build in builds:
        marks = ", ".join("?" * len(build))
        connection.execute(
            f"insert into {NAME}.main.rolecall_complete_build values ({marks})", list(build)
        )


def _enter_on_athena(report: VerificationReport, settings: Settings) -> Mapping[LogDay, bool]:
    from rolecall.athena.lease import hold_lease
    from rolecall.aws.athena_client import Athena
    from rolecall.aws.clients import aws_in
    from rolecall.aws.failed_queries import QueryFailedError

    with hold_lease(settings):
        athena = Athena(
            settings.workspace,
            aws_in(settings.region).athena,
            price_per_tb=settings.price_per_tb,
        )
        try:
            athena.run(f"select 1 from {_COVERAGE} limit 1")
        except QueryFailedError as error:
            if not error.names_missing_table:
                raise
            return {}
        known = told_days(athena, _TABLE, _FLAG) or set()
        changes = _changes(report, known)
        if changes:
            for part in day_parts(changes, _FLAG):
                _build(settings, _TABLE, empty_days=part)
        if changes or known:
            # A run that died may have entered days and built nothing.
            _build(settings, *_FOLLOWING)
    return changes


def _build(settings: Settings, *selected: str, **options: Any) -> None:
    arguments = ["build", "--exclude-resource-type", "unit_test", "--select", *selected]
    result = run_dbt(arguments, settings, **options)
    if not result.success:
        raise RolecallError(
            f"The days that are proved empty cannot be entered: {failures(result)}; a refresh may"
            " have to come first."
        )
