"""Conflicts and corrections on Athena: load by load as on DuckDB, and in an older store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local_athena.account import COMPLETE, Account, Warehouse
from support.both_engines import differences
from support.command_line import PROJECT, Rolecall
from support.corrections import action, correcting, switch
from support.logs import WriteLog, log_key

pytestmark = pytest.mark.xdist_group("athena")

_SWITCH = switch(1)
_GROUP = [action(number, eventTime=f"2026-03-02T08:0{number}:00Z") for number in (2, 3, 4)]
_LATER = {"eventTime": "2026-03-20T00:00:00Z"}
_MORE = _GROUP[2] | {"userAgent": "aws-cli", "requestParameters": {"userName": "eve"}}
# Load by load, each of one day: an original after its correction, one of a group, an unlike record,
# one with what the stored one lacks, a correction dated otherwise than its original, and a chain.
_LOADS: dict[str, list[dict[str, Any]]] = {
    "2026/03/02": [*_GROUP, correcting(switch(5), _SWITCH, sourceIPAddress="192.0.2.77")],
    "2026/03/03": [_SWITCH, _GROUP[0] | {"sourceIPAddress": "203.0.113.1"}],
    "2026/03/04": [correcting(action(6), _GROUP[0], sourceIPAddress="203.0.113.9"), _MORE],
    "2026/03/05": [correcting(action(7, **_LATER), _GROUP[1], sourceIPAddress="203.0.113.9")],
    "2026/03/06": [correcting(action(8), action(6), sourceIPAddress="203.0.113.8")],
}
_COMPARED = (
    *("events", "event_conflicts", "event_corrections", "replaced_events"),
    *("corrected_identity_events", "corrected_session_actions"),
)


def test_load_by_load_both_engines_give_the_same(
    account: Account, rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    (tmp_path / "athena").mkdir()
    account.create_table("default.corrections", "corrections", COMPLETE)
    warehouse = Warehouse(account, "corrections", "corrections", tmp_path / "athena")
    printed = []
    for day, records in _LOADS.items():
        key = log_key("111122223333", "us-east-1", day, logs="AWSLogs/")
        account.put_log("corrections", key, records)
        done = warehouse.rolecall("refresh")
        printed.append((rolecall.refresh(write_log(records, Path(key).name, day)), done.stdout))
        for model in _COMPARED:
            assert differences(warehouse, rolecall, PROJECT / f"models/store/{model}.sql") == (
                [],
                [],
            ), (day, model)
    for lines in printed:
        told = [[line for line in text.splitlines() if "rolecall query" in line] for text in lines]
        assert told[0] == told[1]
    assert warehouse.rows("select differing_fields from event_conflicts order by 1") == [
        ["source_ip_address"],
        ["user_agent, request_parameters"],
    ]
    actions = "select sum(action_count) from corrected_session_actions"
    # Two of the first day are replaced by one of that day and by one too late for the session.
    assert warehouse.rows(actions) == [["2"]]
    again = warehouse.rolecall("refresh", "--strict").stdout
    assert "rolecall query" not in again

    # An older store lacks columns, which are filled from its events, and so do those events.
    for table, column in (("session_actions", "access_key_ids"), ("events", "record_digest")):
        warehouse.rows(f"alter table {table} drop column {column}")
    assert warehouse.dbt(PROJECT, "run", "--select", "staging", "store")
    assert warehouse.rows(
        "select count(*), count(access_key_ids), sum(action_count) from session_actions"
    ) == [["3", "3", "5"]]
    assert warehouse.rows(actions) == [["2"]]
