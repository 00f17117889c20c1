"""What the DuckDB file has forgotten: the day before which it has no events, and their text."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from rolecall.errors import RolecallError
from rolecall.local.database import (
    FOR_WRITING,
    NAME,
    PATIENCE_SECONDS,
    attach,
    first_line,
    has_table,
    log_of_changes,
    open_memory_database,
)
from rolecall.local.spill import draft_of


def remember_forgotten(
    connection: duckdb.DuckDBPyConnection, first_day: date, *, is_in_file: bool
) -> None:
    """Note that events before ``first_day`` (UTC) are forgotten, and whether the file has them."""
    connection.execute(
        f"create table if not exists {NAME}.main.rolecall_forgotten"
        " (before_day date, is_in_file boolean)"
    )
    connection.execute(
        f"insert into {NAME}.main.rolecall_forgotten values (?, ?)", [first_day, is_in_file]
    )


def forgotten_before(connection: duckdb.DuckDBPyConnection) -> date | None:
    """Return the first day (UTC) of which events are not forgotten, None if none ever were."""
    if not has_table(connection, "rolecall_forgotten"):
        return None
    ((day,),) = connection.execute(
        f"select max(before_day) from {NAME}.main.rolecall_forgotten"
    ).fetchall()
    return date.fromisoformat(str(day))


def remember_cleaning(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that secrets are taken out of the events, whose text stands in the file until then."""
    connection.execute(f"create table if not exists {NAME}.main.rolecall_cleaning (is_due boolean)")


def has_forgotten_text(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the file still has text that was removed from its tables: see ``rewrite``."""
    if has_table(connection, "rolecall_cleaning"):
        return True
    if not has_table(connection, "rolecall_forgotten"):
        return False
    ((is_in_file,),) = connection.execute(
        f"select coalesce(bool_or(is_in_file), false) from {NAME}.main.rolecall_forgotten"
    ).fetchall()
    return bool(is_in_file)


def rewrite(path: Path) -> None:
    """Write the database at ``path`` anew: what was removed from it is gone from the file too.

    Raises RolecallError if there is no room; the database is then as it was.
    """
    draft = draft_of(path)
    # Where a version that wrote it beside the database was killed, it is there still.
    _remove(path.absolute().with_name(f"{path.name}.new"))
    try:
        with open_memory_database() as connection:
            attach(connection, path.absolute(), PATIENCE_SECONDS)
            # A file that takes the place of this one must not find a log of changes to this one.
            connection.execute(f"checkpoint {NAME}")
            connection.execute(f"attach ? as draft{FOR_WRITING}", [str(draft)])
            connection.execute(f"copy from database {NAME} to draft")
            if has_table(connection, "rolecall_forgotten"):
                connection.execute("update draft.main.rolecall_forgotten set is_in_file = false")
            connection.execute("drop table if exists draft.main.rolecall_cleaning")
            # What closing does by itself may fail, and says nothing.
            connection.execute("checkpoint draft")
        for file in (path.absolute(), draft):
            if log_of_changes(file).exists():
                raise OSError(f"{log_of_changes(file)} cannot be taken over into the database")
        draft.replace(path)
    except (duckdb.Error, OSError) as error:
        raise RolecallError(
            f"The database {path} cannot be rewritten, for which it needs its own size of free"
            f" space: {first_line(error)}; make room, and the next refresh does it."
        ) from None
    finally:
        _remove(draft)


def _remove(database: Path) -> None:
    for file in (database, log_of_changes(database)):
        file.unlink(missing_ok=True)
