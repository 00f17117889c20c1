"""The models on Athena: they build there, and give what they give on DuckDB."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from athena.account import (
    COMPLETE,
    CONSOLE_2020,
    CONSOLE_PRESENT,
    Account,
    Warehouse,
    printed_counts,
)
from conftest import PROJECT, SAMPLE, Rolecall
from edge_records import edge_trail
from published import published_logs
from rolecall.logs import UnreadableLogError, find_log_files, read_records

pytestmark = pytest.mark.xdist_group("athena")

# What a load leaves that is its own, and what Athena cannot tell of a file.
_OF_THE_LOAD = {"load_id", "loaded_at"}
_OF_THE_FILE = {"log_root", "size_bytes", "modified_at"}
_JSON = {
    "request_parameters",
    "response_elements",
    "additional_event_data",
    "service_event_details",
    "edge_device_details",
    "resources",
}
_COMPARED = sorted(
    path
    for folder in ("store", "rules", "marts")
    for path in (PROJECT / "models" / folder).glob("*.sql")
)


def write_logs(folder: Path) -> Path:
    """Write a folder with the sample, the published records and the edge cases."""
    published_logs(folder)
    shutil.copytree(SAMPLE, folder / "sample")
    for file in find_log_files(folder / "sample"):
        # Athena fails on a file that it cannot read: there it is not part of the trail.
        try:
            read_records(file)
        except UnreadableLogError:
            Path(file.path).unlink()
    for key, records in edge_trail().items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode(), mtime=0))
    return folder


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with everything."""
    return write_logs(tmp_path_factory.mktemp("everything") / "logs")


@pytest.fixture(scope="module")
def built(
    account: Account, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Warehouse, str]:
    """Return a warehouse over a table with every field, and what the first build printed."""
    account.upload(logs, "everything")
    account.create_table("default.everything", "everything", COMPLETE)
    warehouse = Warehouse(account, "built", "everything", tmp_path_factory.mktemp("built"))
    return warehouse, warehouse.dbt(PROJECT, "build")


@pytest.fixture(scope="module")
def local(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a local database with the same logs."""
    rolecall = Rolecall(tmp_path_factory.mktemp("local"))
    rolecall.refresh(logs)
    return rolecall


def test_everything_builds_and_every_test_passes(built: tuple[Warehouse, str]) -> None:
    """The first build, dbt's unit tests among it."""
    counts = printed_counts(built[1])
    assert counts["PASS"] == counts["TOTAL"] > 90


def _columns(path: Path) -> list[str]:
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
    """Return the value of a JSON text; one that is none is a text."""
    try:
        return None if text is None else json.loads(text)
    except json.JSONDecodeError:
        return text


def _counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)


@pytest.mark.parametrize("path", _COMPARED, ids=lambda path: path.stem)
def test_both_engines_give_the_same_rows(
    built: tuple[Warehouse, str], local: Rolecall, path: Path
) -> None:
    columns = [column for column in _columns(path) if column not in _OF_THE_LOAD | _OF_THE_FILE]
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
        for row in built[0].rows(select)
    ]
    only_there, only_here = (
        _counted(found) - _counted(expected),
        _counted(expected) - _counted(found),
    )
    assert (sorted(only_there), sorted(only_here)) == ([], [])


def test_a_second_run_adds_nothing_and_the_tests_pass(built: tuple[Warehouse, str]) -> None:
    warehouse, _ = built
    count = "select (select count(*) from events), (select count(*) from log_reads)"
    before = warehouse.rows(count)
    ran = printed_counts(warehouse.dbt(PROJECT, "run"))
    assert ran["PASS"] == ran["TOTAL"]
    assert warehouse.rows(count) == before
    tested = printed_counts(warehouse.dbt(PROJECT, "test", "--exclude-resource-type", "unit_test"))
    assert tested["PASS"] == tested["TOTAL"] > 40


@pytest.mark.parametrize(
    ("ddl", "lacks"),
    [
        (CONSOLE_2020, {"is_management_event", "tls_version", "source_identity"}),
        (CONSOLE_PRESENT, {"is_management_event", "source_identity"}),
    ],
    ids=["2020", "present"],
)
def test_the_console_s_tables_read_with_null_for_what_they_lack(
    account: Account, tmp_path: Path, ddl: str, lacks: set[str], request: pytest.FixtureRequest
) -> None:
    """No partitions: the path of a file tells account, region and day."""
    name = "console_" + request.node.callspec.id
    account.upload(SAMPLE, name.replace("_", "-"))
    account.create_table(f"default.{name}", name.replace("_", "-"), ddl)
    warehouse = Warehouse(account, name, name, tmp_path)
    warehouse.dbt(PROJECT, "run", "--select", "+events")
    columns = ["user_agent", "session_created_at", "is_read_only", *sorted(lacks)]
    counts = [f"count({column})" for column in columns]
    ((total, *filled),) = warehouse.rows(f"select count(*), {', '.join(counts)} from events")
    assert total == "129"
    empty = {column for column, count in zip(columns, filled, strict=True) if count == "0"}
    assert empty == lacks
    places = warehouse.rows(
        """
        select distinct log_file_account_id, log_file_region, cast(delivered_date as varchar)
        from stg_cloudtrail__events where log_file like '%20260430T2150Z%' order by 1
        """
    )
    assert places == [
        ["111122223333", "eu-central-1", "2026-04-30"],
        ["444455556666", "eu-central-1", "2026-04-30"],
    ]
