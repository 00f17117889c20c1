"""What Python knows by name of the store's tables is what their models say."""

from __future__ import annotations

from typing import Any

import yaml

from rolecall.athena.compaction import STORE
from rolecall.athena.temporary_tables import MERGED_TABLES
from support.command_line import PROJECT

_STORE = PROJECT / "models" / "store"


def _config(name: str) -> dict[str, Any]:
    (model,) = yaml.safe_load((_STORE / f"{name}.yml").read_text(encoding="utf-8"))["models"]
    config: dict[str, Any] = model.get("config", {})
    return config


def test_the_tables_that_are_compacted_are_partitioned_as_their_models_say() -> None:
    for table in STORE:
        assert f"'{table.unit}({table.time})'" in _config(table.name)["partitioned_by"], table.name


def test_the_tables_into_which_loads_are_merged_are_those_of_the_store_that_grow() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["models"]["rolecall"]["store"]["+materialized"] == "incremental"
    growing = [
        path.stem for path in _STORE.glob("*.sql") if "materialized" not in _config(path.stem)
    ]
    assert sorted(MERGED_TABLES) == sorted(growing)
