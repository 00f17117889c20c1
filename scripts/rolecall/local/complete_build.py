"""What the database remembers of its last complete build, and what it was built from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from rolecall.local.database import (
    NAME,
    SCHEMA_VERSION,
    drop_retired,
    has_table,
    set_schema_version,
)
from rolecall.project.location import project_digest


def is_built(connection: duckdb.DuckDBPyConnection, newest_load: str | None) -> bool:
    """Return whether the last complete build was of this project and load, and is all there."""
    match complete_build(connection):
        case project, load_id, tables:
            is_current = (project, load_id) == (project_digest(), newest_load)
            return is_current and _relations(connection).issuperset(tables)
    return False


def complete_build(connection: duckdb.DuckDBPyConnection) -> tuple[str, str, list[str]] | None:
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


def remember_build(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> None:
    """Note that everything was built, as these tables: the next refresh may have nothing to do."""
    connection.execute("begin")
    drop_retired(connection)
    set_schema_version(connection, SCHEMA_VERSION)
    connection.execute(
        f"create or replace table {NAME}.main.rolecall_complete_build as"
        " select ? as project, ? as load_id, ?::varchar[] as tables",
        [project_digest(), newest_stored_load(connection)[1], tables],
    )
    connection.execute("commit")


def newest_stored_load(
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
