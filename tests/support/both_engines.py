"""The same logs on both engines: what a table has on one of them and not on the other."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from local_athena.account import Warehouse
from support.command_line import Rolecall

# What a load leaves that is its own, and what Athena cannot tell of a file.
_OF_THE_LOAD = {
    f"{side}{name}"
    for side in ("", "stored_", "original_", "correction_")
    for name in ("load_id", "loaded_at")
}
_OF_THE_ENGINE = {"record_digest", "stored_record_digest"}
_OF_THE_FILE = {
    *("log_root", "size_bytes", "modified_at"),
    *("sha256", "replaced_count", "ambiguous_record_count", "record_keys"),
}
_JSON = {
    "request_parameters",
    "response_elements",
    "additional_event_data",
    "service_event_details",
    "edge_device_details",
    "resources",
}


def differences(warehouse: Warehouse, local: Rolecall, path: Path) -> tuple[list[str], list[str]]:
    """Return the rows of a model, of the SQL file ``path``, that one engine alone has.

    Those of Athena come first. Load ids and times are aside, and files that Athena cannot see.
    """
    columns = [
        column
        for column in columns_of(path)
        if column not in _OF_THE_LOAD | _OF_THE_FILE | _OF_THE_ENGINE
    ]
    where = "where status = 'loaded'" if "status" in columns and "log_file" in columns else ""
    select = f"select {', '.join(columns)} from {path.stem} {where}"
    kinds: dict[str, str] = dict(
        local.query(
            "select column_name, lower(data_type) from information_schema.columns"
            f" where table_name = '{path.stem}'"
        )
    )

    def named(row: Any) -> dict[str, Any]:
        return {
            column: _parsed(value) if column in _JSON else value
            for column, value in zip(columns, row, strict=True)
        }

    expected = [named(map(_plain, row)) for row in local.query(select)]
    found = [
        named(
            _athena_plain(column, text, kinds[column])
            for column, text in zip(columns, row, strict=True)
        )
        for row in warehouse.rows(select)
    ]
    only_there, only_here = (
        _counted(found) - _counted(expected),
        _counted(expected) - _counted(found),
    )
    return sorted(only_there), sorted(only_here)


def columns_of(path: Path) -> list[str]:
    """Return the columns of a model, as its .yml file has them."""
    text = path.with_suffix(".yml").read_text(encoding="utf-8")
    (model,) = yaml.safe_load(text)["models"]
    return [column["name"] for column in model["columns"]]


def _plain(value: Any) -> Any:
    """Return a local value as Athena's text of it is read below."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value)


def _athena_plain(column: str, text: str | None, kind: str) -> str | None:
    if text is not None and kind == "timestamp":
        return datetime.fromisoformat(text).isoformat(sep=" ", timespec="milliseconds")
    return text


def _parsed(text: str | None) -> Any:
    """Return the value of a JSON text; one that is not JSON is a text."""
    try:
        return None if text is None else json.loads(text)
    except json.JSONDecodeError:
        return text


def _counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)
