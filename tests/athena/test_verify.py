"""`rolecall verify` on the Athena target: where the table lies is verified, empty days are kept."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from local_athena.account import Account, Warehouse
from rolecall.setup.trail_table import TrailTable
from support.digest_files import HOUR, SignedTrail
from support.logs import event

pytestmark = pytest.mark.xdist_group("athena")

_ACCOUNT, _BUCKET = "444455556666", "verified"
_START = datetime(2026, 5, 1)


def _deliver(account: Account, trail: SignedTrail, at: datetime, number: int) -> str:
    """Deliver a log file as the engine reads it: what its hash is of is its own affair."""
    key = trail.log(at, [], number)
    account.put_log(_BUCKET, key, [event(number)])
    s3 = account.client("s3")
    trail.objects[key] = s3.get_object(Bucket=_BUCKET, Key=key)["Body"].read()
    return key


def test_days_that_are_proved_empty_are_covered_on_athena(account: Account, tmp_path: Path) -> None:
    trail = SignedTrail(account=_ACCOUNT, organization="o-a1b2c3d4e5/")
    table = TrailTable(
        f"default.{_BUCKET}",
        f"s3://{_BUCKET}/AWSLogs/o-a1b2c3d4e5/",
        (_ACCOUNT,),
        ("us-east-1",),
        date(2026, 5, 1),
        "2026/05/05",
    )
    for statement in table.statements(None):
        account.query(statement)
    logs = {
        hour: [_deliver(account, trail, _START + hour * HOUR, number)]
        for number, hour in enumerate((3, 80), start=1)
    }
    trail.hours(_START, 97, logs)
    s3 = account.client("s3")
    for key, metadata in trail.metadata.items():
        s3.put_object(Bucket=_BUCKET, Key=key, Body=trail.objects[key], Metadata=metadata)
    warehouse = Warehouse(account, "verified", _BUCKET, tmp_path)
    warehouse.rolecall("refresh")
    coverage = (
        "select cast(delivered_date as varchar), status, is_account_logged from log_coverage"
        " order by 1"
    )
    before = [["2026-05-01", "logged", "true"], ["2026-05-04", "logged", "true"]]
    empty = [[f"2026-05-0{day}", "no logs", "false"] for day in (2, 3)]
    assert warehouse.rows(coverage) == sorted(before + empty)
    keys = trail.keys_file(tmp_path)
    window = ("--from", "2026-05-01", "--to", "2026-05-04", "--keys", str(keys))
    done = warehouse.rolecall("verify", *window, "--strict")
    assert "Proved: 96 digest files by the signature, 2 log files" in done.stdout
    assert "2 days of a region proved to have no log file" in done.stderr
    covered = [[day, "logged", "true"] for day, _, _ in sorted(before + empty)]
    assert warehouse.rows(coverage) == covered
    late = _deliver(account, trail, _START + 30 * HOUR + timedelta(minutes=5), 9)
    written = trail.digest(_START + 30 * HOUR, [late], backfill=True)
    s3.put_object(
        Bucket=_BUCKET,
        Key=written.key,
        Body=trail.objects[written.key],
        Metadata=trail.metadata[written.key],
    )
    again = warehouse.rolecall("verify", *window, "--format", "json")
    assert json.loads(again.stdout) == []
    assert "1 day of a region that had one after all" in again.stderr
    assert ["2026-05-02", "no logs", "false"] in warehouse.rows(coverage)
