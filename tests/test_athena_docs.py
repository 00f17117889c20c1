"""The documents on Athena lead to what they say, from the table on."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from athena.account import Account, Warehouse
from conftest import PROJECT, SAMPLE
from test_docs import commands

pytestmark = pytest.mark.xdist_group("athena")

ATHENA = (PROJECT / "docs" / "athena.md").read_text(encoding="utf-8")
CONSOLE_QUERY = (PROJECT / "docs" / "from-console-query.md").read_text(encoding="utf-8")
# Tests of other kinds have a trail and results of their own.
_BUCKET, _RESULTS = "documented", "documented-results"


def _block(text: str, language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def reader(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the warehouse of somebody who has done steps 1 to 3 of the document."""
    account.upload(SAMPLE, _BUCKET)
    account.client("s3").create_bucket(Bucket=_RESULTS)
    account.query(_block(ATHENA, "sql").replace("YOUR-TRAIL-BUCKET", _BUCKET))
    folder = tmp_path_factory.mktemp("documented")
    settings = _block(ATHENA, "toml").replace("YOUR-RESULTS-BUCKET", _RESULTS)
    (folder / "rolecall.toml").write_text(settings)
    return Warehouse(account, "rolecall", "cloudtrail_logs", folder)


def _same(printed: str, expected: str) -> bool:
    """Return whether both say the same; the bytes and the price of a scan are of that moment."""

    def masked(text: str) -> str:
        return re.sub(r"^Scanned .*", "Scanned.", text, flags=re.MULTILINE)

    return masked(printed) == masked(expected)


@pytest.mark.parametrize("text", [ATHENA, CONSOLE_QUERY], ids=["athena", "from-console-query"])
def test_the_commands_print_what_the_document_says(reader: Warehouse, text: str) -> None:
    environment = {
        name: value for name, value in reader.environment.items() if "ROLECALL" not in name
    }
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    if text is CONSOLE_QUERY:
        reader.rolecall("refresh", ROLECALL_RESULTS=f"s3://{_RESULTS}/rolecall/")
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for command, expected in commands(block):
            done = reader.started_by_shell(command, environment | {"COLUMNS": "80"})
            assert _same(done, expected), f"{command}\n{done}"


def test_the_query_of_the_console_loses_its_last_day(reader: Warehouse) -> None:
    rows = reader.account.query(_block(CONSOLE_QUERY, "sql"))
    assert len(rows) == 5
    assert max(str(row[0]) for row in rows) == "2026-04-16T03:12:50Z"
