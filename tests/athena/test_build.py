"""The models on Athena: they build there, and give what they give on DuckDB."""

from __future__ import annotations

import gzip
import json
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from local_athena.account import (
    COMPLETE,
    CONSOLE_2020,
    CONSOLE_PRESENT,
    Account,
    Warehouse,
    printed_counts,
)
from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from support.both_engines import differences
from support.command_line import PROJECT, SAMPLE, Rolecall
from support.documents import documented
from support.edge_records import edge_trail
from support.published import published_logs
from support.rule_records import write_rule_trail

pytestmark = pytest.mark.xdist_group("athena")

_COMPARED = sorted(
    path
    for folder in ("store", "rules", "marts")
    for path in (PROJECT / "models" / folder).rglob("*.sql")
)


def write_logs(folder: Path) -> Path:
    """Write a folder with the sample, the published records, edge cases and those of the rules."""
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
    write_rule_trail(folder / "rules")
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
    dbt, command, *options, told = shlex.split(documented("docs/athena.md", "dbt build"))
    assert (dbt, options) == ("dbt", ["--target", "athena", "--vars"])
    # What the document tells with a reader's values is told with this warehouse's.
    assert yaml.safe_load(told).keys() == warehouse.variables.keys()
    # The years of its records in one slice.
    return warehouse, warehouse.dbt(PROJECT, command, slice_days=100_000)


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


def test_the_catalogue_says_what_tables_and_columns_mean(
    built: tuple[Warehouse, str], account: Account
) -> None:
    glue = account.client("glue")
    for path in (model for model in _COMPARED if model.parent.parent.name == "models"):
        (described,) = yaml.safe_load(path.with_suffix(".yml").read_text("utf-8"))["models"]
        if described.get("config", {}).get("materialized") == "view":
            continue
        found = glue.get_table(DatabaseName=built[0].schema, Name=path.stem)["Table"]
        assert found["Description"][:60] == " ".join(described["description"].split())[:60]
        columns = found["StorageDescriptor"]["Columns"]
        assert all(column.get("Comment") for column in columns), path.stem


@pytest.mark.parametrize("path", _COMPARED, ids=lambda path: path.stem)
def test_both_engines_give_the_same_rows(
    built: tuple[Warehouse, str], local: Rolecall, path: Path
) -> None:
    assert differences(built[0], local, path) == ([], [])


def test_questions_give_what_they_give_locally(
    built: tuple[Warehouse, str], local: Rolecall
) -> None:
    session = "AROAJNIPYOEO7C6XNVXOT:release-4711@2026-04-08T10:20:00Z"
    questions = [
        ("role_entry_history",),
        ("role_entry_history", "how=assume role,identity center", "user=*a*"),
        ("role_entry_history", "account=4444-5555-6666", "source_account=777788889999"),
        ("role_entry_history", "active_at=2026-04-08T10:20:00Z", "workloads=true"),
        ("role_entry_counts", "from_day=2026-04-01", "outcome=success"),
        ("role_switch_history", "source_account=123456789012"),
        ("names_in_logs", "user=x", "role=x", "account=999988887777"),
        ("names_in_logs", "source_account=999988887777", "user=alice"),
        ("newest_logs", "account=444455556666", "source_account=777788889999"),
        ("who_used_this_role", "role=ReadOnly", "to_day=2026-04-30"),
        ("what_did_this_person_do", "person=alice"),
        ("what_did_this_person_do", "person=release-4711"),
        ("what_did_this_person_do", "person=alice", "from_day=2026-04-08", "to_day=2026-04-08"),
        ("who_touched_this_resource", "resource=role/delivery/Deploy"),
        ("access_review", "from_day=2026-04-01", "to_day=2026-04-30"),
        ("access_review", "from_day=2026-04-24", "to_day=2026-04-26"),
        ("active_sessions", "active_at=2026-03-24T07:40:00Z"),
        ("session_action_groups", f"session_id={session}"),
        ("coverage_gaps",),
        ("coverage_gaps", "from_day=2026-04-08"),
        ("coverage_gaps", "to_day=2026-04-08", "account=111122223333"),
    ]
    commands = [
        ("query", name, *(part for param in params for part in ("--param", param)))
        for name, *params in questions
    ]
    switch = local.query("select min(role_switch_id) from role_switches")[0][0]
    commands += [("session", session), ("session", switch)]
    # Days of a zone begin and end within days of delivery.
    window = ("--param", "from_day=2026-04-08", "--param", "to_day=2026-04-08")
    commands += [
        ("query", "coverage_gaps", *window, "--timezone", zone)
        for zone in ("Asia/Tokyo", "America/New_York")
    ]
    for command in commands:
        there = built[0].rolecall(*command, "--format", "json").stdout
        here = local.run(*command, "--format", "json").stdout
        assert json.loads(there) == json.loads(here), command
        assert len(here) > 10, command


def test_a_second_load_adds_nothing_and_the_tests_pass(built: tuple[Warehouse, str]) -> None:
    warehouse, _ = built
    count = "select (select count(*) from events), (select count(*) from log_reads)"
    before = warehouse.rows(count)
    selected = ("--select", "staging", "store", "--exclude-resource-type", "unit_test")
    counts = printed_counts(warehouse.dbt(PROJECT, "build", *selected))
    assert counts["PASS"] == counts["TOTAL"] > 15
    assert warehouse.rows(count) == before


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
