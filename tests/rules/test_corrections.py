"""Records that contradict others under one event id, and records that correct others."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
from typing import Any

import duckdb
import pytest

from support.command_line import Rolecall
from support.corrections import BOB, BOBS_SESSION, action, correcting, switch
from support.logs import WriteLog

_OTHERS_FOLDER: dict[str, Any] = {"account": "999999999999", "day": "2026/02/28"}


def answers(rolecall: Rolecall) -> list[Any]:
    """Return what switches and sessions say of the corrected fields."""
    return [
        rolecall.query("select source_ip_address from role_switches order by all"),
        rolecall.query(
            "select action_count, write_count, denied_count, first_action_at, last_action_at,"
            " source_ip_count from role_sessions order by all"
        ),
        rolecall.query(
            "select event_id, original_event_id, recipient_account_id from event_corrections"
            " order by all"
        ),
    ]


_SWITCH, _ACTION = switch(1), action(2)
_CORRECTED = (
    correcting(switch(3), _SWITCH, sourceIPAddress="192.0.2.77"),
    correcting(action(4), _ACTION, sourceIPAddress="192.0.2.77", readOnly=True),
)


@pytest.mark.parametrize(
    "parts",
    [
        [(_SWITCH, _ACTION, *_CORRECTED)],
        [(*_CORRECTED, _SWITCH, _ACTION)],
        [(_SWITCH, _ACTION), _CORRECTED],
        [_CORRECTED, (_SWITCH, _ACTION)],
        [(_CORRECTED[0], _ACTION), (_CORRECTED[1], _SWITCH)],
    ],
    ids=["one load", "correction first", "later", "earlier", "mixed"],
)
def test_a_correction_takes_the_place_of_its_original_whenever_it_comes(
    rolecall: Rolecall, write_log: WriteLog, parts: list[tuple[dict[str, Any], ...]]
) -> None:
    for number, part in enumerate(parts):
        text = rolecall.refresh(write_log(part, name=f"{number}.json.gz", day="2026/03/02"))
    assert "2 corrections replace the events that they correct, in AWSLogs/" in text
    found = answers(rolecall)
    assert found[0] == [("192.0.2.77",)]
    ((actions, writes, denied, _, _, _),) = found[1]
    assert (actions, writes, denied) == (1, 0, 0)
    assert len(found[2]) == 2
    assert rolecall.query("select count(*) from events") == [(4,)]
    again = rolecall.refresh(write_log(name="empty.json.gz"))
    assert "correction" not in again
    assert answers(rolecall) == found


def test_the_count_of_a_group_is_less_by_what_is_replaced_exactly(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """Of three alike, the first is corrected, then the last, then all that is left."""
    group = [action(number, eventTime=f"2026-03-02T08:0{number}:00Z") for number in (1, 2, 3)]
    rolecall.refresh(write_log(group, name="0.json.gz", day="2026/03/02"))
    counts = []
    for number in (0, 2, 1):
        correction = correcting(
            action(10 + number, eventTime=group[number]["eventTime"]),
            group[number],
            sourceIPAddress="203.0.113.9",
            errorCode="AccessDenied",
        )
        rolecall.refresh(write_log([correction], name=f"1{number}.json.gz", day="2026/03/03"))
        counts.append(
            rolecall.query(
                "select source_ip_address, sum(action_count), sum(denied_count),"
                " strftime(min(first_action_at), '%H:%M'), strftime(max(last_action_at), '%H:%M')"
                " from corrected_session_actions group by 1 order by 1"
            )
        )
    assert counts == [
        [("198.51.100.7", 2, 0, "08:02", "08:03"), ("203.0.113.9", 1, 1, "08:01", "08:01")],
        [("198.51.100.7", 1, 0, "08:02", "08:02"), ("203.0.113.9", 2, 2, "08:01", "08:03")],
        [("203.0.113.9", 3, 3, "08:01", "08:03")],
    ]
    before = rolecall.query("select * from corrected_session_actions order by all")
    rolecall.dbt("run", "--full-refresh", "--select", "store")
    assert rolecall.query("select * from corrected_session_actions order by all") == before


def test_chains_and_several_corrections_leave_one_event_in_any_order(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    first = correcting(action(2), _ACTION | {"eventID": action(1)["eventID"]})
    second = correcting(action(3), first, eventName="DeleteUser", sourceIPAddress="203.0.113.3")
    other = correcting(action(4), action(1), eventTime="2026-03-02T08:04:00Z")
    records = [action(1), first, second, other]
    random.Random(5).shuffle(records)
    for number, record in enumerate(records):
        rolecall.refresh(write_log([record], name=f"{number}.json.gz", day="2026/03/02"))
    assert rolecall.query(
        "select action_count, source_ip_address from corrected_session_actions"
    ) == [(1, "203.0.113.3")]


@pytest.mark.parametrize(
    "forged",
    [
        {"eventName": "ListUsers"},
        {"eventSource": "ec2.amazonaws.com"},
        {"recipientAccountId": "444455556666"},
        {"userIdentity": action(1)["userIdentity"] | {"principalId": "AROAEXAMPLEADMIN00000:eve"}},
        {"addendum": {"reason": "UPDATED_DATA", "originalEventID": "gone"}},
        {"addendum": {"reason": "UPDATED_DATA", "originalEventID": action(9)["eventID"]}},
        {"addendum": {"reason": "DELIVERY_DELAY"}},
    ],
    ids=["name", "source", "account", "identity", "original gone", "itself", "delay"],
)
def test_what_is_of_something_else_corrects_nothing(
    rolecall: Rolecall, write_log: WriteLog, forged: dict[str, Any]
) -> None:
    text = rolecall.refresh(
        write_log([action(1), correcting(action(9), action(1)) | forged], day="2026/03/02")
    )
    assert "correction" not in text
    assert rolecall.query("select sum(action_count) from corrected_session_actions") == [(2,)]
    assert rolecall.query("select count(*) from event_corrections") == [(0,)]


def test_corrections_in_a_loop_leave_one_of_them(rolecall: Rolecall, write_log: WriteLog) -> None:
    loop = [correcting(action(1), action(2)), correcting(action(2), action(1))]
    rolecall.refresh(write_log(loop, day="2026/03/02"))
    assert rolecall.query("select sum(action_count) from corrected_session_actions") == [(1,)]


def test_an_unlike_record_under_the_same_id_is_told_and_hides_nothing(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """Put into another account's folder, of an earlier day: the true one stays."""
    forged = action(1, eventName="DescribeRegions", eventTime=_SWITCH["eventTime"])
    logs = write_log([_SWITCH], name="true.json.gz", day="2026/03/02")
    write_log([forged], name="forged.json.gz", **_OTHERS_FOLDER)
    done = rolecall.run("refresh", "--logs", logs, "--strict", exit_code=3)
    assert "1 record conflicts with another under its event id, in AWSLogs/" in done.stdout
    assert rolecall.query("select count(*) from role_switches") == [(1,)]
    ((fields, left_out, stored),) = rolecall.query(
        "select differing_fields, log_file[-14:], stored_log_file[-12:] from event_conflicts"
    )
    assert (left_out, stored) == ("forged.json.gz", "true.json.gz")
    assert {"event_name", "event_source"} <= set(fields.split(", "))
    assert "conflict" not in rolecall.refresh(logs, "--strict", "--audit")
    shown = rolecall.run("query", "event_conflicts", "--format", "csv").stdout
    assert "DescribeRegions" in shown


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1))), ids=str)
def test_two_bodies_in_one_file_are_told_and_one_stays(
    rolecall: Rolecall, write_log: WriteLog, order: tuple[int, ...]
) -> None:
    bodies = [_SWITCH, action(1, eventName="DescribeRegions")]
    logs = write_log([bodies[number] for number in order], day="2026/03/02")
    rolecall.run("refresh", "--logs", logs, "--strict", exit_code=3)
    assert rolecall.query("select event_name from events") == [("SwitchRole",)]
    assert rolecall.query("select event_name, stored_event_name from event_conflicts") == [
        ("DescribeRegions", "SwitchRole")
    ]
    ((records, events, copies),) = rolecall.query(
        "select record_count, event_count, copied_record_count from log_files"
    )
    assert (records, events, copies) == (2, 1, 1)


def test_across_loads_the_stored_record_stays_and_the_later_one_is_told_once(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([_SWITCH], name="a.json.gz", day="2026/03/02"))
    newer = _SWITCH | {"tlsDetails": {"tlsVersion": "TLSv1.3"}}
    text = rolecall.refresh(write_log([newer], name="b.json.gz"))
    assert "conflict" not in text  # the table from which the stored one came may lack the field
    unlike = _SWITCH | {"sourceIPAddress": "203.0.113.1"}
    text = rolecall.refresh(write_log([unlike, unlike], name="c.json.gz", day="2026/03/01"))
    assert "1 record conflicts with another" in text
    assert rolecall.query("select differing_fields from event_conflicts") == [
        ("source_ip_address",)
    ]
    assert rolecall.query("select source_ip_address from events") == [("192.0.2.10",)]


_FORGED: dict[str, dict[str, Any]] = {
    "name": {"eventName": None},
    "source and who": {"eventSource": None, "userIdentity": None},
    "address and program": {"sourceIPAddress": None, "userAgent": None},
    "who left": {"additionalEventData": None},
    "outcome": {"responseElements": None},
    "session": {"userIdentity": BOB | {"arn": None}},
}


@pytest.mark.parametrize("is_loaded_before", [False, True], ids=["one load", "earlier load"])
@pytest.mark.parametrize("fewer", _FORGED.values(), ids=_FORGED)
def test_a_forged_record_that_lacks_what_the_true_one_has_is_told(
    rolecall: Rolecall, write_log: WriteLog, fewer: dict[str, Any], is_loaded_before: bool
) -> None:
    """It comes first in a file of the trail, and hides the true one: not without a word."""
    logs = write_log([_SWITCH | fewer], name="forged.json.gz", day="2026/03/01")
    if is_loaded_before:
        rolecall.refresh(logs)
    write_log([_SWITCH], name="true.json.gz", day="2026/03/02")
    done = rolecall.run("refresh", "--logs", logs, "--strict", exit_code=3)
    assert "1 record conflicts with another under its event id, in AWSLogs/" in done.stdout
    assert rolecall.query("select log_file[-12:], stored_log_file[-14:] from event_conflicts") == [
        ("true.json.gz", "forged.json.gz")
    ]


def test_what_an_older_table_may_lack_is_told_within_a_load(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """One load reads the same fields of all its files, though a file lies outside its folder."""
    identity = BOB | {"sessionContext": BOBS_SESSION | {"sourceIdentity": "bob"}}
    logs = write_log([_SWITCH | {"userIdentity": identity}], day="2026/03/02")
    (logs / "111122223333_CloudTrail_us-east-1_20260301T0005Z_a1B2c3D4e5F6g7H8.json").write_text(
        json.dumps(
            {"Records": [_SWITCH | {"userIdentity": BOB | {"sessionContext": BOBS_SESSION}}]}
        )
    )
    rolecall.run("refresh", "--logs", logs, "--strict", exit_code=3)
    assert rolecall.query("select differing_fields from event_conflicts") == [("source_identity",)]


def test_the_same_record_is_a_copy_however_it_is_laid_out(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """Pretty-printed, with its members in another order, of another trail, or not whole by hand."""
    record = _SWITCH | {"requestParameters": {"b": {"y": [1, 2], "x": "é"}, "a": None}}
    write_log([record], name="a.json.gz", day="2026/03/02")
    layouts: list[dict[str, Any]] = [{"indent": 2}, {"sort_keys": True}, {"ensure_ascii": False}]
    for number, options in enumerate(layouts):
        body = json.dumps({"Records": [record]}, **options).encode()
        write_log(name=f"b{number}.json.gz", region="eu-west-1", body=gzip.compress(body, mtime=0))
    logs = write_log([record], name="c.json.gz", account="o-a1b2c3d4e5/111122223333")
    fewer = {key: value for key, value in record.items() if key != "requestParameters"}
    (logs / "history.json").write_text(json.dumps([fewer]))
    text = rolecall.run("refresh", "--logs", logs, "--strict").stdout
    assert "conflict" not in text
    assert rolecall.query("select count(*), count(record_digest) from events") == [(1, 1)]
    assert rolecall.query("select count(*) from event_conflicts") == [(0,)]


def test_a_secret_that_is_another_makes_a_conflict_and_is_not_kept(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    bodies = [
        _SWITCH | {"responseElements": {"SwitchRole": "Success", "sessionToken": token}}
        for token in ("TOKEN-ONE", "TOKEN-TWO")
    ]
    rolecall.refresh(write_log(bodies, day="2026/03/02"))
    assert rolecall.query("select differing_fields from event_conflicts") == [("redacted values",)]
    assert b"TOKEN-" not in rolecall.database.read_bytes()


def test_events_of_an_older_database_have_no_digest_and_make_no_conflict(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([_SWITCH], name="a.json.gz", day="2026/03/02"))
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("alter table events drop column record_digest")
        connection.execute("drop table event_conflicts")
        connection.execute("update rolecall_schema set version = 2")
    unlike = _SWITCH | {"sourceIPAddress": "203.0.113.1"}
    text = rolecall.refresh(write_log([unlike], name="b.json.gz"))
    assert "conflict" not in text
    assert rolecall.query("select count(*), count(record_digest) from events") == [(1, 0)]


def test_forgotten_events_leave_no_conflict_behind(rolecall: Rolecall, write_log: WriteLog) -> None:
    unlike = _SWITCH | {"sourceIPAddress": "203.0.113.1"}
    rolecall.refresh(write_log([_SWITCH, unlike], day="2026/03/02"))
    assert rolecall.query("select count(*) from event_conflicts") == [(1,)]
    rolecall.run("forget", "--before", "2026-03-03")
    assert rolecall.query("select count(*) from event_conflicts") == [(0,)]
    assert b"203.0.113.1" not in rolecall.database.read_bytes()


def test_what_a_dead_run_left_is_told_by_the_next(rolecall: Rolecall, write_log: WriteLog) -> None:
    """It died after each of the store's statements that come before the ledger."""
    unlike = _SWITCH | {"sourceIPAddress": "203.0.113.1"}
    logs = write_log([_SWITCH, unlike, _ACTION, *_CORRECTED], day="2026/03/02")
    upstream = ["+events", "+event_conflicts", "event_corrections", "replaced_events"]
    for model in upstream:
        rolecall.dbt("run", "--select", model, ROLECALL_LOGS=str(logs))
    text = rolecall.refresh(logs)
    assert "1 record conflicts with another" in text
    assert "2 corrections replace" in text
    assert rolecall.query("select count(*) from event_conflicts") == [(1,)]
    assert rolecall.query("select sum(action_count) from corrected_session_actions") == [(1,)]


@pytest.mark.parametrize("has_died", [False, True])
def test_what_an_upgrade_finds_among_stored_events_is_told_once(
    rolecall: Rolecall, write_log: WriteLog, has_died: bool
) -> None:
    """An older version knew no corrections; an upgrade may die once it has found them."""
    write_log(_CORRECTED[1:], name="c2.json.gz", day="2026/03/03")
    logs = write_log([_SWITCH, _ACTION, _CORRECTED[0]], name="c1.json.gz", day="2026/03/02")
    told = re.findall("2 corrections replace .*", rolecall.refresh(logs))
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("drop table event_corrections")
        connection.execute("drop table replaced_events")
        connection.execute(
            "update rolecall_complete_build set tables = list_filter("
            "tables, lambda name: name not in ('event_corrections', 'replaced_events'))"
        )
        connection.execute("update rolecall_schema set version = 2")
    if has_died:
        rolecall.dbt("run", "--select", "event_corrections", "replaced_events")
    text = rolecall.refresh(logs)
    assert "Nothing new to load." in text
    assert told
    assert re.findall("2 corrections replace .*", text) == told
    assert "correction" not in rolecall.refresh(logs, "--audit")
