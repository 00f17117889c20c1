"""Whoever writes logs chooses what rules compare: no rule takes every pair of what has one key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rolecall.local.ledger import sorted_log_files
from support.colliding_records import COUNT, colliding_records
from support.compiled_models import Model, Warehouse


def test_no_step_of_a_rule_or_mart_makes_every_pair_of_colliding_records(
    models: list[Model], tmp_path: Path
) -> None:
    """By the rows that each step of each model gives: all pairs of one kind are a million."""
    log = tmp_path / "colliding.json"
    log.write_text(json.dumps({"Records": colliding_records()}), encoding="utf-8")
    warehouse = Warehouse(models)
    most = {}
    try:
        warehouse.load(list(sorted_log_files([tmp_path])))
        for model in models:
            if model.folder not in ("staging", "store"):
                most[model.name] = max(_rows_of_steps(warehouse, model))
                warehouse.make(model)
        pairs = warehouse.connection.execute("select count(*) from switch_pairs").fetchall()
    finally:
        warehouse.close()
    assert pairs[0][0] >= 3
    assert max(most.values()) > COUNT
    assert {name: rows for name, rows in most.items() if rows >= COUNT * COUNT} == {}


def _rows_of_steps(warehouse: Warehouse, model: Model) -> Iterator[int]:
    """Yield how many rows each step of a model's plan gives."""
    ((_, plan),) = warehouse.connection.execute(
        f"explain (analyze, format json) {model.sql}"
    ).fetchall()
    steps: list[dict[str, Any]] = json.loads(plan)["operator"]
    while steps:
        step = steps.pop()
        yield step["intermediate_rows"]
        steps += step.get("children", [])
