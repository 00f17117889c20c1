"""Forget the events before a day, on the local target."""

from __future__ import annotations

import os
from datetime import date

import duckdb

from rolecall.errors import RolecallError
from rolecall.local.complete_build import remember_build
from rolecall.local.database import (
    FIRST_SCHEMA_VERSION,
    NAME,
    PATIENCE_SECONDS,
    duckdb_errors_as_sentences,
    has_table,
    is_outdated,
    open_for_writing,
    set_schema_version,
)
from rolecall.local.forgotten import has_forgotten_text, remember_forgotten, rewrite
from rolecall.local.ledger import check_events_are_there
from rolecall.local.lock import only_writer
from rolecall.local.slice_load import LoadOutcome, load_and_build
from rolecall.settings import Settings


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
            is_unfinished = is_outdated(connection) or has_forgotten_text(connection)
            forgotten, is_changed = remove_events(connection, first_day)
        if not (is_changed or is_unfinished):
            return 0
        outcome = LoadOutcome()
        load_and_build([], outcome, settings, rebuilds_store=True)
        with open_for_writing(settings.database, PATIENCE_SECONDS) as connection:
            remember_build(connection, outcome.tables)
        rewrite(settings.database)
    return forgotten


def remove_events(connection: duckdb.DuckDBPyConnection, first_day: date) -> tuple[int, bool]:
    """Remove the events before a day; return how many, and whether anything was removed.

    Where it was, what follows from events is marked as to be rebuilt.
    """
    if not has_table(connection, "events"):
        return 0, False
    connection.execute("begin")
    ((event_count,),) = connection.execute(
        f"delete from {NAME}.main.events where event_at < ?", [first_day]
    ).fetchall()
    conflict_count = 0
    if has_table(connection, "event_conflicts"):
        ((conflict_count,),) = connection.execute(
            f"delete from {NAME}.main.event_conflicts where event_at < ? or stored_event_at < ?",
            [first_day, first_day],
        ).fetchall()
    is_changed = event_count + conflict_count > 0
    remember_forgotten(connection, first_day, is_in_file=is_changed)
    if is_changed:
        set_schema_version(connection, FIRST_SCHEMA_VERSION)
    connection.execute("commit")
    return int(event_count), is_changed
