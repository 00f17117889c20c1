"""The models' own SQL, compiled by dbt once and run on DuckDB in a few milliseconds a load.

For properties that many loads have to show. Of dbt's materializations it imitates three: a table
is made anew, an incremental model is made once and then appended to, in dbt's order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from rolecall.local.log_files import LogFile
from rolecall.local.log_source import LogSource
from support import forked

PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Model:
    """A model with its SQL for the first load (``sql``) and for later ones."""

    name: str
    folder: str
    is_incremental: bool
    # Too long to be shown where a test fails.
    sql: str = field(repr=False)
    later_sql: str = field(repr=False)


def compiled_models(folder: Path) -> list[Model]:
    """Return all models in an order in which they can be built; ``folder`` is for dbt's files."""
    first, later = (_compiled(folder / answer, answer) for answer in ("false", "true"))
    return [
        Model(
            node["name"],
            Path(node["original_file_path"]).parent.name,
            node["config"]["materialized"] == "incremental",
            node["compiled_code"],
            later[unique_id]["compiled_code"],
        )
        for unique_id, node in first.items()
    ]


def _compiled(folder: Path, assume_incremental: str) -> dict[str, dict[str, Any]]:
    """Return the manifest's nodes of the models, parents first."""
    done = forked.run(
        "dbt",
        *("compile", "--select", "resource_type:model"),
        *("--no-introspect", "--no-populate-cache", "--project-dir", PROJECT),
        *("--profiles-dir", PROJECT, "--target-path", folder, "--log-path", folder),
        *("--vars", f"{{assume_incremental: {assume_incremental}}}"),
        folder=folder.parent,
        environment=os.environ | {"ROLECALL_DATABASE": str(folder.parent / "compiled.duckdb")},
        seconds=300,
    )
    assert done.returncode == 0, done.stdout
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    waiting = {key: node for key, node in manifest["nodes"].items() if key.startswith("model.")}
    ordered: dict[str, dict[str, Any]] = {}
    while waiting:
        ready = [
            key
            for key, node in waiting.items()
            if not waiting.keys() & set(node["depends_on"]["nodes"])
        ]
        ordered |= {key: waiting.pop(key) for key in ready}
    return ordered


class Warehouse:
    """A database in memory that the models are loaded into."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = models
        self._loads = 0
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as rolecall")
        LogSource.create_views(self.connection)
        self.connection.execute("use rolecall")

    def load(self, files: Sequence[LogFile]) -> None:
        """Load ``files`` into staging and the store, as one slice of a load."""
        self._loads += 1
        LogSource(files=files).register(self.connection, self.connection)
        self.connection.execute(f"set variable load_slice = {self._loads}")
        for model in self._models:
            if model.folder in ("staging", "store"):
                self.make(model)

    def build(self) -> None:
        """Build what follows from the store."""
        for model in self._models:
            if model.folder not in ("staging", "store"):
                self.make(model)

    def make(self, model: Model) -> None:
        """Make one model."""
        if model.is_incremental and self._loads > 1:
            self.connection.execute(f"insert into {model.name} by name {model.later_sql}")
        else:
            sql = model.later_sql if self._loads > 1 else model.sql
            self.connection.execute(f"create or replace table {model.name} as {sql}")

    def rows(self, table: str, without: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a table in order, but for some columns."""
        columns = [
            str(name)
            for name, *_ in self.connection.execute(f"describe {table}").fetchall()
            if name not in without
        ]
        return self.connection.execute(
            f"select {', '.join(columns)} from {table} order by all"
        ).fetchall()

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()
