"""Measure what questions scan on Athena: ``python benchmarks/athena_scan.py [--days 60]``.

On the local Athena of the tests, by its engine's own counter: the query that people type at the
Athena console, over a table without partitions, beside ``rolecall history`` of the same two months,
which ``rolecall refresh`` has loaded from a table like that of ``rolecall setup``.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "tools")]

from local_athena.account import COMPLETE, Account, Warehouse  # noqa: E402
from local_athena.engine import COLUMNS_ALONE, running  # noqa: E402
from make_trail import ACCOUNTS, FIRST_DAY, ORGANIZATION, REGIONS, write_trail  # noqa: E402
from rolecall.setup.trail_table import TrailTable  # noqa: E402
from rolecall.sizes import size_bytes, size_text  # noqa: E402

_BUCKET = "measured"
_AD_HOC = """\
select
    eventtime,
    responseelements,
    json_extract(additionaleventdata, '$.SwitchFrom') as switchfrom
from default.console
where
    eventname = 'SwitchRole'
    and eventtime >= '{first}T00:00:00Z'
    and eventtime < '{after}T00:00:00Z'
"""


def main() -> None:
    """Write a trail, load it, ask both ways, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=60, help="how many days [%(default)s]")
    parser.add_argument("--events", type=int, default=300_000, help="how many events [%(default)s]")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        logs, days = folder / "logs", arguments.days
        records = write_trail(logs, days, events_per_day=arguments.events // days)
        print(f"| {records:,} records of {days} days | scanned | of the ad-hoc query |")
        print("| --- | ---: | ---: |")
        with running(folder / "engine", COLUMNS_ALONE) as addresses:
            account = Account(addresses)
            account.upload(logs, _BUCKET)
            create_tables(account, days)
            measure(Warehouse(account, "measured", "trail", folder), days)


def create_tables(account: Account, days: int) -> None:
    """Make the console's table of the bucket, without partitions, and one with them by the day."""
    account.create_table("default.console", _BUCKET, COMPLETE)
    table = TrailTable(
        "default.trail",
        f"s3://{_BUCKET}/AWSLogs/{ORGANIZATION}/",
        ACCOUNTS,
        REGIONS,
        FIRST_DAY,
        # What is late is delivered a day later; up to now are many days, and each is listed.
        f"{FIRST_DAY + timedelta(days=days):%Y/%m/%d}",
    )
    for statement in table.statements(None):
        account.query(statement)


def measure(warehouse: Warehouse, days: int) -> None:
    """Ask both ways, refresh before and after, and print what each scanned."""
    last = FIRST_DAY + timedelta(days=days - 1)
    ad_hoc = warehouse.folder / "ad_hoc.sql"
    ad_hoc.write_text(_AD_HOC.format(first=FIRST_DAY, after=last + timedelta(days=1)))
    window = ("--from", str(FIRST_DAY), "--to", str(last))
    steps = [
        ("the ad-hoc query at the console", ("query", str(ad_hoc), "--format", "csv")),
        ("`rolecall refresh`, everything", ("refresh",)),
        ("`rolecall history`", ("history", *window, "--format", "csv")),
        ("`rolecall refresh`, nothing new", ("refresh",)),
    ]
    most = 0
    for title, command in steps:
        done = warehouse.rolecall(*command, seconds=3600)
        scanned = [
            size_bytes(text)
            for text in re.findall(r"^Scanned ([\d.]+ \w+)", done.stdout + done.stderr, re.M)
        ]
        most = most or sum(scanned)
        print(f"| {title} | {size_text(sum(scanned))} | {sum(scanned) / most:.2%} |", flush=True)


if __name__ == "__main__":
    main()
