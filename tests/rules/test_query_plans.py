"""The marts are rebuilt in time proportional to what they read: by their plans, not by a clock."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from rolecall.local.ledger import sorted_log_files
from support.command_line import SAMPLE
from support.compiled_models import Model, Warehouse

_JOINS_ON_EQUALITY = {"HASH_JOIN", "RIGHT_DELIM_JOIN", "LEFT_DELIM_JOIN"}
_WITH_FEW_ROWS = {
    # Five neighbouring spans of time; the days of one span.
    "session_matches": {"CROSS_PRODUCT": 1},
    # One row, which counts the identity stores.
    "entry_portal_sign_ins": {"CROSS_PRODUCT": 1},
    # Two rows: by the user's ARN, and without it.
    "session_console_events": {"BLOCKWISE_NL_JOIN": 1},
}


@pytest.fixture(scope="module")
def warehouse(models: list[Model]) -> Iterator[Warehouse]:
    warehouse = Warehouse(models)
    warehouse.load(list(sorted_log_files([SAMPLE])))
    warehouse.build()
    yield warehouse
    warehouse.close()


def _rebuilt(models: list[Model]) -> list[Model]:
    return [model for model in models if model.folder not in ("staging", "store")]


def test_rules_and_marts_do_not_read_the_events(models: list[Model]) -> None:
    """They read what is about identity, and the counts that every load left."""
    rebuilt = _rebuilt(models)
    assert len(rebuilt) > 25
    assert [model.name for model in rebuilt if '"events"' in model.sql] == []


def test_joins_are_on_equal_keys(models: list[Model], warehouse: Warehouse) -> None:
    joins = {}
    for model in _rebuilt(models):
        ((_, plan),) = warehouse.connection.execute(f"explain (format json) {model.sql}").fetchall()
        found = Counter(
            name for name in _operators(json.loads(plan)) if "JOIN" in name or "PRODUCT" in name
        )
        joins[model.name] = found
    assert sum(joins["role_sessions"].values()) >= 4
    slow = {
        name: {join: count for join, count in found.items() if join not in _JOINS_ON_EQUALITY}
        for name, found in joins.items()
    }
    assert {name: found for name, found in slow.items() if found} == _WITH_FEW_ROWS


def _operators(nodes: list[dict[str, Any]]) -> Iterator[str]:
    for node in nodes:
        yield node["name"].strip()
        yield from _operators(node["children"])
