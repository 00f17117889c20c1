"""Open the DuckDB file of the local target for reading, while others may write to it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import duckdb

from rolecall.errors import RolecallError

NAME = "rolecall"
"""The name under which the file is attached, whatever the file is called."""

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_FIRST_PAUSE_SECONDS = 0.05


def open_database(path: Path, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    """Return a connection that can read the database file at ``path``.

    Waits up to ``wait_seconds`` for a process that holds the file. Raises RolecallError if there
    is no such file, if it is no database of DuckDB, or if it stays held.
    """
    if not path.exists():
        raise RolecallError(
            f"There is no database {path} yet: load logs into it with"
            f" `rolecall refresh --logs DIR --database {path}`."
        )
    connection = duckdb.connect(":memory:")
    deadline = time.monotonic() + wait_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            connection.execute(f"attach ? as {NAME} (read_only)", [str(path.absolute())])
            return connection
        except duckdb.IOException as error:
            holder = _HOLDER.search(str(error))
            if holder is None:
                connection.close()
                raise RolecallError(
                    f"The database {path} cannot be opened: {_first_line(error)}"
                ) from None
            if time.monotonic() + pause > deadline:
                connection.close()
                raise RolecallError(
                    f"The database {path} is held by process {holder['pid']}"
                    f" ({holder['program']}), probably a refresh: try again when it is done."
                ) from None
        time.sleep(pause)
        pause = min(2 * pause, 1.0)


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Return whether the attached database has ``table``."""
    rows = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? and table_name = ?", [NAME, table]
    ).fetchall()
    return bool(rows)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("IO Error: ")
