"""The plugin through which dbt-duckdb reads log files on disk: ``profiles.yml`` names it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from rolecall.database import NAME
from rolecall.log_source import LogSource

DEFAULT_DATABASE = "rolecall.duckdb"
EXAMPLE_LOGS = Path("sample")


class Plugin(BasePlugin):  # type: ignore[misc]
    """The plugin that dbt-duckdb loads, set by the environment.

    ``ROLECALL_DATABASE`` names the database file, ``ROLECALL_LOGS`` the folder to load from (by
    default the folders that the database remembers, and the sample for a new database);
    ``ROLECALL_ADD_LOGS`` lets a folder in that the database does not know.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Read the settings; nothing is opened yet."""
        logs = os.environ.get("ROLECALL_LOGS")
        self._database = Path(os.environ.get("ROLECALL_DATABASE") or DEFAULT_DATABASE)
        self._source = LogSource(
            Path(logs) if logs else None,
            EXAMPLE_LOGS,
            bool(os.environ.get("ROLECALL_ADD_LOGS")),
        )

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach the database, made if it is not there."""
        # It holds an account's audit trail: it is for its owner alone, and so are the write-ahead
        # log and the spill files, which DuckDB creates whenever it likes.
        os.umask(0o077)
        conn.execute(f"attach ? as {NAME}", [str(self._database)])
        conn.execute("set temp_directory = ?", [f"{self._database}.tmp"])
        self._connection = conn

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the source views on a new cursor: temporary objects belong to one cursor."""
        self._source.attach(cursor, self._connection)
