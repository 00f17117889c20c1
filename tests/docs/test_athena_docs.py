"""The documents on Athena lead to what they say, from the table on."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from local_athena.account import CONSOLE_2020, Account, Warehouse
from support.command_line import PROJECT, SAMPLE
from support.documents import commands, documented
from support.logs import event, log_key

pytestmark = pytest.mark.xdist_group("athena")

ATHENA = (PROJECT / "docs" / "athena.md").read_text(encoding="utf-8")
CONSOLE_QUERY = (PROJECT / "docs" / "from-console-query.md").read_text(encoding="utf-8")
# Tests of other kinds have a trail and results of their own.
_BUCKET, _RESULTS = "documented", "documented-results"


@pytest.fixture(scope="module")
def reader(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the warehouse of somebody who has done steps 1 and 2 of the document."""
    account.upload(SAMPLE, _BUCKET)
    account.client("s3").create_bucket(Bucket=_RESULTS)
    account.client("cloudtrail").create_trail(
        Name="management-events", S3BucketName=_BUCKET, IsOrganizationTrail=True
    )
    # The other document begins with the console's.
    account.create_table("default.cloudtrail_logs", _BUCKET, CONSOLE_2020)
    warehouse = Warehouse(
        account, "rolecall", "cloudtrail_logs", tmp_path_factory.mktemp("documented")
    )
    ((command, expected),) = commands(_blocks(ATHENA)[0])
    printed = warehouse.started_by_shell(command, _environment(warehouse))
    assert _same(printed, expected), printed
    settings = printed.partition("rolecall.toml:")[2]
    (warehouse.folder / "rolecall.toml").write_text(settings)
    # Each day up to now would be listed: the sample's are enough.
    account.query(
        "alter table rolecall.cloudtrail_logs set tblproperties"
        " ('projection.dt.range'='2026/03/01,2026/05/02')"
    )
    return warehouse


def _blocks(text: str) -> list[str]:
    text = text.replace("YOUR-TRAIL-BUCKET", _BUCKET).replace("YOUR-RESULTS-BUCKET", _RESULTS)
    return re.findall(r"```console\n(.*?)```", text, re.DOTALL)


def _environment(warehouse: Warehouse) -> dict[str, str]:
    """Return the environment of a reader: AWS's settings, none of Rolecall's."""
    environment = {
        name: value for name, value in warehouse.environment.items() if "ROLECALL" not in name
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return environment | {"PATH": path, "COLUMNS": "80"}


def _same(printed: str, expected: str) -> bool:
    """Return whether both say the same; the bytes and the price of a scan are of that moment.

    A line of dots stands for any lines.
    """

    def masked(text: str) -> str:
        return re.sub(r"^Scanned .*", "Scanned.", text, flags=re.MULTILINE)

    pattern = re.escape(masked(expected)).replace(r"\.\.\." + "\\\n", "(?:.*\n)+?")
    return re.fullmatch(pattern, masked(printed)) is not None


@pytest.mark.parametrize("text", [ATHENA, CONSOLE_QUERY], ids=["athena", "from-console-query"])
def test_the_commands_print_what_the_document_says(reader: Warehouse, text: str) -> None:
    if text is CONSOLE_QUERY:
        reader.started_by_shell("rolecall refresh --from 2026-03-01", _environment(reader))
    for block in _blocks(text)[text is ATHENA :]:
        for command, expected in commands(block):
            done = reader.started_by_shell(command, _environment(reader))
            assert _same(done, expected), f"{command}\n{done}"


def test_the_query_of_the_console_loses_its_last_day(reader: Warehouse) -> None:
    rows = reader.account.query(documented("docs/from-console-query.md", "select"))
    assert len(rows) == 5
    assert max(str(row[0]) for row in rows) == "2026-04-16T03:12:50Z"


def test_an_account_that_appears_later_is_loaded_by_the_next_refresh(reader: Warehouse) -> None:
    """From its first day, though others' files of that day are loaded; in a region that is new too.

    It does not matter what added it to the table: a refresh may have died after that.
    """

    def delivered(account: str, region: str, day: str) -> str:
        key = log_key(account, region, day)
        reader.account.put_log(_BUCKET, key, [event(int(account[:3]) + int(day[-2:]))])
        return key

    before = "select count(*) from log_files where delivered_date = date '2026-04-02'"
    assert reader.rows(before) != [["0"]]
    added = [delivered("999988887777", "us-east-1", day) for day in ("2026/04/02", "2026/04/08")]
    setup = f"rolecall setup --results s3://{_RESULTS}/rolecall/"
    assert "New account: 999988887777." in reader.started_by_shell(setup, _environment(reader))
    found = delivered("888877776666", "ap-south-1", "2026/04/02")
    printed = reader.started_by_shell("rolecall refresh --from 2026-03-01", _environment(reader))
    assert printed.startswith("Added to rolecall.cloudtrail_logs: 888877776666 in ap-south-1.\n")
    loaded = (
        "select log_file, status from log_files"
        " where account_id in ('888877776666', '999988887777') order by log_file"
    )
    assert reader.rows(loaded) == [[key, "loaded"] for key in [found, *added]]
