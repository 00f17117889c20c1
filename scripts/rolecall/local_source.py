"""The plugin through which dbt-duckdb reads log files on disk: ``profiles.yml`` names it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from rolecall.log_source import LogSource


class Plugin(BasePlugin):  # type: ignore[misc]
    """The plugin that dbt-duckdb loads; ``logs`` in its config names the folder."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take the log folder from the profile; nothing is opened yet."""
        logs, example_logs = plugin_config.get("logs"), plugin_config.get("example_logs")
        self._source = LogSource(
            Path(logs) if logs else None,
            Path(example_logs) if example_logs else None,
            bool(plugin_config.get("add_logs")),
        )
        # The database holds an account's audit trail: it is for its owner alone, and so are the
        # write-ahead log and the spill files, which DuckDB creates whenever it likes.
        os.umask(0o077)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Keep the connection, on which the ledger is looked up."""
        self._connection = conn

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the source views on a new cursor: temporary objects belong to one cursor."""
        self._source.attach(cursor, self._connection)
