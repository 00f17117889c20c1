"""The plugin through which dbt-duckdb reads log files on disk: ``profiles.yml`` names it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from rolecall.errors import RolecallError
from rolecall.local.database import (
    NAME,
    PATIENCE_SECONDS,
    attach,
    is_outdated,
    stamp_schema_version,
    widen_ledger,
    withhold_large_fields,
)
from rolecall.local.forgotten import forgotten_before
from rolecall.local.ledger import check_events_are_there
from rolecall.local.log_files import LogFile
from rolecall.local.log_source import LogSource
from rolecall.local.record_batches import FileRead
from rolecall.local.record_view import FORGOTTEN_BEFORE
from rolecall.local.spill import leave
from rolecall.memory import memory_parts_of

DEFAULT_DATABASE = "rolecall.duckdb"
EXAMPLE_LOGS = Path("sample")
_WAIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A part of a load: the files to read in one run of dbt, and who hears of each.

    ``threads`` and ``database_bytes`` are what DuckDB may use, if it is not what is usual.
    """

    number: int
    files: Sequence[LogFile]
    on_read: Callable[[FileRead], None] | None = None
    threads: int | None = None
    database_bytes: int | None = None


_slice: FileSlice | None = None


@contextmanager
def loading(part: FileSlice) -> Iterator[None]:
    """Let dbt, run in this process, load ``part`` and nothing else."""
    global _slice
    _slice = part
    try:
        yield
    finally:
        _slice = None


class Plugin(BasePlugin):  # type: ignore[misc]
    """The plugin that dbt-duckdb loads, set by the environment.

    ``ROLECALL_DATABASE`` names the database file, ``ROLECALL_LOGS`` the folder to load from (by
    default the folders that the database remembers, and the sample for a new database);
    ``ROLECALL_ADD_LOGS`` lets a folder in that the database does not know. Unless ``loading`` says
    otherwise, all that is new there is one slice, and what follows from the events of an outdated
    database is rebuilt.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Read the settings; nothing is opened yet."""
        logs = os.environ.get("ROLECALL_LOGS")
        self._database = Path(os.environ.get("ROLECALL_DATABASE") or DEFAULT_DATABASE)
        self._source = LogSource(
            Path(logs) if logs else None,
            EXAMPLE_LOGS,
            os.environ.get("ROLECALL_ADD_LOGS", "").lower() in ("1", "true", "yes", "on"),
            memory=memory_parts_of(os.environ),
        )
        self._database_bytes = self._source.memory.database_bytes
        self._threads: int | None = None
        self._slice_number = 1
        self._rebuilds_if_outdated = _slice is None
        if _slice is not None:
            self._source.files, self._source.on_read = _slice.files, _slice.on_read
            self._slice_number = _slice.number
            self._threads = _slice.threads
            self._database_bytes = _slice.database_bytes or self._database_bytes

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach the database, made if it is not there.

        Raises RuntimeError, which dbt shows in a line, where ``database.attach`` raises, and if
        the database has lost its events.
        """
        # It holds an account's audit trail: it is for its owner alone, and so are the write-ahead
        # log and the spill files, which DuckDB creates whenever it likes.
        os.umask(0o077)
        conn.execute(f"set memory_limit = '{self._database_bytes:d}B'")
        if self._threads is not None:
            conn.execute(f"set threads = {self._threads:d}")
        try:
            attach(conn, self._database, PATIENCE_SECONDS if _slice else _WAIT_SECONDS)
            check_events_are_there(conn)
        except RolecallError as error:
            # dbt tries once more, and is to be told the same.
            conn.execute(f"detach database if exists {NAME}")
            raise RuntimeError(str(error)) from None
        if is_outdated(conn):
            withhold_large_fields(conn)
        stamp_schema_version(conn)
        widen_ledger(conn)
        # A refresh removes the folder for what does not fit in memory itself.
        if _slice is None:
            atexit.register(leave, self._database.absolute())
        self._source.create_views(conn)
        self._connection = conn
        self._forgotten_before = forgotten_before(conn)
        self._rebuilds = self._rebuilds_if_outdated and is_outdated(conn)

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the source views readable on a new cursor; tell it what the macros ask."""
        self._source.register(cursor, self._connection)
        cursor.execute(
            f"set variable {FORGOTTEN_BEFORE} = cast(? as timestamp)",
            [self._forgotten_before],
        )
        cursor.execute(f"set variable load_slice = {self._slice_number:d}")
        cursor.execute("set variable rebuilds_from_events = ?", [self._rebuilds])
