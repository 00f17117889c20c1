"""Log files that were forged, replaced or damaged: each is read, counted, named and told apart."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.log_files import find_log_files
from rolecall.local.log_records import parse_records
from rolecall.private_files import open_file
from support.command_line import Rolecall
from support.logs import WriteLog, event

_COUNTS = """
    select record_count, misplaced_record_count, ambiguous_record_count, rejected_record_count
    from log_files
"""


def test_a_record_of_another_account_or_region_than_its_file_is_counted_and_named(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log(
        [
            event(1, awsRegion="eu-west-1"),
            event(2, awsRegion="eu-west-1", recipientAccountId="999999999999"),
            event(3, awsRegion="ap-south-1"),
            event(4, awsRegion="us-east-1"),
            event(5, awsRegion="us-east-1", eventSource="iam.amazonaws.com"),
        ],
        region="eu-west-1",
    )
    done = rolecall.run("refresh", "--logs", str(logs), "--strict", exit_code=3)
    assert "Found 3 records of another account or region than its key names in AWSLogs/" in (
        done.stdout
    )
    assert "--strict does not allow 3 records misplaced: see the lines above." in done.stderr
    assert rolecall.query(_COUNTS) == [(5, 3, 0, 0)]


def test_an_impossible_offset_is_not_a_time(rolecall: Rolecall, write_log: WriteLog) -> None:
    logs = write_log([event(1), event(2, eventTime="2026-03-01T12:00:00+99:99")])
    text = rolecall.refresh(logs)
    assert "Rejected 1 record without a valid time in AWSLogs/" in text
    assert rolecall.query(_COUNTS) == [(2, 0, 0, 1)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"eventName": "', '"eventName": "First", "eventName": "'),
        ('"eventName": "', '"EventName": "'),
        ('"eventName": "', '"event\\u004eame": "First", "eventName": "'),
        ('"userIdentity": {', '"userIdentity": {"ARN": "arn:aws:iam::1:user/other", '),
        ('"userIdentity": {', '"userIdentity": {"arn": "one", "arn": "two", '),
    ],
)
def test_a_key_that_is_there_twice_or_in_other_letters_is_counted_and_named(
    rolecall: Rolecall, write_log: WriteLog, old: str, new: str
) -> None:
    good, changed = json.dumps(event(1)), json.dumps(event(2, userIdentity={"type": "IAMUser"}))
    assert old in changed
    body = f'{{"Records": [{good}, {changed.replace(old, new)}]}}'
    text = rolecall.refresh(write_log(body=body.encode()))
    assert "Found 1 record that readers may read differently in AWSLogs/" in text
    assert rolecall.query(_COUNTS) == [(2, 0, 1, 0)]


_ISSUED = {"credentials": {"accessKeyId": "ASIA1"}, "assumedRoleUser": {"arn": "a"}}
_READ = {
    "userIdentity": {
        "type": "AssumedRole",
        "invokedByDelegate": {"accountId": "1"},
        "onBehalfOf": {"userId": "u"},
        "inScopeOf": {"sourceArn": "s"},
        "sessionContext": {
            "sourceIdentity": "zed",
            "attributes": {"creationDate": "2026-03-01T00:00:00Z"},
            "sessionIssuer": {"userName": "Ops"},
            "webIdFederationData": {"federatedProvider": "p"},
        },
    },
    "addendum": {"reason": "r"},
    "tlsDetails": {"tlsVersion": "v"},
    "resources": [{"type": "t"}, {"ARN": "a"}],
    "requestParameters": {"roleArn": "r", "taskPolicyArn": {"arn": "p"}},
    "responseElements": {**_ISSUED, "SwitchRole": "Success", "credentialSet": [_ISSUED]},
    "additionalEventData": {"SwitchFrom": "alice"},
    "serviceEventDetails": {"role_name": "Ops"},
}
_READ_KEYS = [
    *("accountId", "userId", "sourceArn", "sourceIdentity", "creationDate", "userName"),
    *("federatedProvider", "reason", "tlsVersion", "ARN", "roleArn", "arn", "accessKeyId"),
    *("assumedRoleUser", "SwitchRole", "SwitchFrom", "role_name"),
]


def _ambiguous_counts(
    rolecall: Rolecall, write_log: WriteLog, texts: list[str]
) -> list[tuple[object, ...]]:
    """Return how many of these records are counted as ambiguous, each in a file of its own."""
    for number, text in enumerate(texts, start=1):
        logs = write_log(body=f'{{"Records":[{text}]}}'.encode(), name=f"{number:03}.json")
    rolecall.refresh(logs)
    return rolecall.query("select ambiguous_record_count from log_files order by log_file")


def _read_event(number: int, **members: object) -> str:
    source = members.pop("eventSource", "sts.amazonaws.com")
    return json.dumps(event(number, eventSource=source, **{**_READ, **members}))


def test_a_key_twice_or_in_other_letters_in_any_object_that_is_read_is_counted(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    texts = [_read_event(0)]
    for key in _READ_KEYS:
        good = _read_event(len(texts))
        assert f'"{key}": ' in good
        texts.append(good.replace(f'"{key}": ', f'"{key}": "first", "{key}": '))
        other = key.upper() if key.islower() else key.lower()
        texts.append(good.replace(f'"{key}": ', f'"{other}": '))
    quoted = json.dumps('{"SwitchFrom": "alice", "SwitchFrom": "mallory"}')
    texts.append(
        _read_event(len(texts)).replace('{"SwitchFrom": "alice"}', quoted),
    )
    counts = _ambiguous_counts(rolecall, write_log, texts)
    assert counts == [(0,), *[(1,)] * (len(texts) - 1)]


def test_the_keys_of_what_a_service_was_asked_are_its_own(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """But for a key that is there twice, and for those that rules read."""
    parameters = {"EventName": "x", "eventname": "y", "userIdentity": {"ARN": "z"}}
    of_ec2 = {"RoleArn": "x", "rolearn": "y", "Name": "a", "name": "b"}
    counts = _ambiguous_counts(
        rolecall,
        write_log,
        [
            json.dumps(event(1, requestParameters=parameters)),
            json.dumps(event(2, eventSource="ec2.amazonaws.com", requestParameters=of_ec2)),
            json.dumps(event(3, eventSource="ec2.amazonaws.com", requestParameters=of_ec2)).replace(
                '"Name": ', '"name": '
            ),
            json.dumps(event(4, requestParameters="no JSON", resources=[1, None])),
        ],
    )
    assert counts == [(0,), (0,), (1,), (0,)]


@pytest.mark.parametrize("around", ["", "\n      ", '"other": [1, 2, 3, 4, 5, 6, 7, 8, 9], '])
@pytest.mark.parametrize("key", ['"Records"', '"Record\\u0073"', '"Records" '])
def test_no_list_of_records_hides_another(around: str, key: str) -> None:
    first, second = (json.dumps(event(number)) for number in (1, 2))
    body = f'{{{around}"Records": [{first}], {key}: [{second}]}}'.encode()
    records = parse_records(body)
    assert [json.loads(bytes(record)) for record in records] == [event(1), event(2)]
    assert records.repeated_list_count == 2


_SWITCH = {"eventID": "switch", "eventName": "SwitchRole"}
_ACTIONS = [event(number, userAgent="a" * number) for number in range(120)]
_QUOTED = json.dumps({"CloudTrailEvent": json.dumps(_SWITCH)})


def _list(*records: object, space: str = "") -> str:
    return f"[{space}{f',{space}'.join(map(json.dumps, records))}{space}]"


@pytest.mark.parametrize("space", ["", " ", "\n    "])
@pytest.mark.parametrize(
    ("body", "count"),
    [
        pytest.param('{"Records":[SWITCH],"Records":[ACTIONS]}', 121, id="few before many"),
        pytest.param('{"Records":[ACTIONS],"Records":[SWITCH]}', 121, id="many before few"),
        pytest.param('{"Records":[ACTIONS],"Records":[]}', 120, id="and none"),
        pytest.param('{"Records":[ACTIONS],"Events":[QUOTED]}', 121, id="lookup-events beside"),
        pytest.param('{"Events":[QUOTED],"Records":[ACTIONS]}', 121, id="lookup-events before"),
        pytest.param('{"records":[SWITCH],"Records":[]}', 1, id="in other letters"),
        pytest.param('{"Records":[],"x":{"Records":[SWITCH]}}', 1, id="below another member"),
        pytest.param('{"Records":[ACTIONS],"x":SWITCH}', 121, id="alone"),
        pytest.param('{"CloudTrailEvent":TEXT,"CloudTrailEvent":TEXT}', 2, id="text twice"),
        pytest.param('{"message":TEXT,"message":TEXT}', 2, id="message twice"),
        pytest.param('{"logEvents":[],"events":[{"message":TEXT}]}', 1, id="both kinds of events"),
    ],
)
def test_no_record_of_an_object_is_passed_over(body: str, count: int, space: str) -> None:
    text = body.replace(",", f",{space}").replace(":", f":{space}")
    text = text.replace("[SWITCH]", _list(_SWITCH, space=space))
    text = text.replace("[ACTIONS]", _list(*_ACTIONS, space=space))
    text = text.replace("QUOTED", _QUOTED).replace("SWITCH", json.dumps(_SWITCH))
    records = parse_records(text.replace("TEXT", json.dumps(json.dumps(_SWITCH))).encode())
    assert (len(records), records.repeated_list_count) == (count, count)
    has_switch = any(json.loads(bytes(record)) == _SWITCH for record in records)
    assert has_switch or "SWITCH" not in body


@pytest.mark.parametrize(
    "beside",
    [
        {"y": [{"z": _SWITCH}]},
        json.dumps({"y": _SWITCH}),
        json.dumps(json.dumps({"y": [_SWITCH]}, indent=1)),
        [["text", {"y": _SWITCH}]],
    ],
)
@pytest.mark.parametrize("old", ['"eventName', '"\\u0065ventName'])
def test_what_looks_like_a_record_is_handed_on_to_be_counted(beside: object, old: str) -> None:
    text = json.dumps({"Records": [], "x": beside}).replace('"eventName', old)
    records = parse_records(text.encode())
    assert (len(records), records.repeated_list_count) == (1, 1)


@pytest.mark.parametrize(
    "beside",
    [{"NextToken": "eventName"}, {"Name": {"a": 1}}, {"event": {"name": "eventName"}}],
)
def test_what_is_beside_records_is_not_a_record_without_their_keys(
    beside: dict[str, object],
) -> None:
    records = parse_records(json.dumps({"Records": [event(1)], **beside}).encode())
    assert (len(records), records.repeated_list_count) == (1, 0)


def test_a_message_of_control_hides_no_record() -> None:
    message = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": json.dumps(_SWITCH)}]}
    (record,) = parse_records(json.dumps(message).encode())
    assert json.loads(bytes(record)) == _SWITCH


def test_a_row_of_a_query_hides_no_record_in_a_list() -> None:
    records = parse_records(json.dumps([[_SWITCH, json.dumps({"y": _SWITCH}), "text"]]).encode())
    assert len(records) == 2


@pytest.mark.parametrize("row", ["a\t{0}\t[{0}]", "[{0}]\ta\t{0}", "a\t{0}\t[{0}]\t{0}"])
def test_a_row_of_text_hides_no_record_in_a_cell(row: str) -> None:
    text = row.format(json.dumps(_SWITCH)) + "\n"
    with pytest.raises(UnreadableLogError, match="the file is not JSON"):
        parse_records(text.encode())


def test_a_file_that_is_not_empty_certifies_no_day(rolecall: Rolecall, write_log: WriteLog) -> None:
    body = json.dumps({"x": {"y": event(1)}, "Records": []}).encode()
    done = rolecall.run("refresh", "--logs", str(write_log(body=body)), "--strict", exit_code=3)
    assert "Found 1 record that readers may read differently in AWSLogs/" in done.stdout
    assert rolecall.query("select status, rejected_record_count from log_files") == [("loaded", 1)]


@pytest.mark.parametrize("indent", [None, 4])
def test_one_list_of_records_is_not_a_repeated_one(indent: int | None) -> None:
    records = parse_records(json.dumps({"Records": [event(1), event(2)]}, indent=indent).encode())
    assert (len(records), records.repeated_list_count) == (2, 0)


def test_records_of_repeated_lists_are_all_loaded_and_counted(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    first, second = (json.dumps(event(number)) for number in (1, 2))
    body = f'{{"Records":[{first}],"Records":[{second}]}}'.encode()
    assert "Loaded 1 log file: 2 new events." in rolecall.refresh(write_log(body=body))
    assert rolecall.query(_COUNTS) == [(2, 0, 2, 0)]


def _replace(file: Path, body: bytes) -> None:
    """Put another file of the same size and time in the place of one."""
    status = file.stat()
    assert len(body) == status.st_size
    other = file.with_name("other")
    other.write_bytes(body)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)


def _bodies() -> tuple[bytes, bytes]:
    first, second = (json.dumps({"Records": [event(number)]}).encode() for number in (1, 2))
    assert len(first) == len(second)
    return first, second


def _loaded_file(rolecall: Rolecall, write_log: WriteLog) -> tuple[Path, Path]:
    """Load the first of the bodies, and return the folder of logs and the file that has it."""
    logs = write_log(body=_bodies()[0], name="a.json")
    (file,) = logs.rglob("*.json")
    rolecall.refresh(logs)
    return logs, file


def test_a_file_that_took_the_place_of_another_is_read(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    first, second = _bodies()
    logs, file = _loaded_file(rolecall, write_log)
    assert rolecall.query("select sha256 from log_files") == [(sha256(first).hexdigest(),)]
    _replace(file, second)
    done = rolecall.run("refresh", "--logs", str(logs), "--strict", exit_code=3)
    assert "1 new event" in done.stdout
    assert "again: there is another file of its name, size and time." in done.stdout
    assert "--strict does not allow 1 file replaced" in done.stderr
    assert rolecall.query("select sha256, replaced_count from log_files") == [
        (sha256(second).hexdigest(), 1)
    ]
    assert "Nothing new to load." in rolecall.refresh(logs)


def test_a_file_that_was_only_copied_is_not_read_again(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs, file = _loaded_file(rolecall, write_log)
    _replace(file, _bodies()[0])
    assert "Nothing new to load." in rolecall.refresh(logs, "--strict")
    assert rolecall.query("select replaced_count from log_files") == [(0,)]


def test_two_files_of_one_name_size_and_time_are_both_read(
    rolecall: Rolecall, write_log: WriteLog, tmp_path: Path
) -> None:
    logs = write_log(body=_bodies()[0], name="a.json")
    (file,) = logs.rglob("*.json")
    copy = logs / "copy" / file.relative_to(logs)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(_bodies()[1])
    os.utime(copy, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    done = rolecall.run("refresh", "--logs", str(logs), "--strict", exit_code=3)
    assert "2 new events" in done.stdout
    assert rolecall.query("select count(*), max(replaced_count) from log_files") == [(1, 1)]
    assert "Nothing new to load." in rolecall.refresh(logs)


def test_a_database_without_hashes_goes_on(rolecall: Rolecall, write_log: WriteLog) -> None:
    logs = write_log(body=_bodies()[0], name="a.json")
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:
        for column in ("sha256", "misplaced_record_count", "ambiguous_record_count"):
            connection.execute(f"alter table log_reads drop column {column}")
    write_log([event(3)], name="b.json.gz")
    assert "1 new event" in rolecall.refresh(logs)
    assert rolecall.query("select count(*), count(sha256) from log_files") == [(2, 1)]


def _refused_switch(number: int, **members: object) -> dict[str, object]:
    role = {"type": "AssumedRole", "principalId": "AROAEXAMPLE:bob"}
    return event(
        number,
        eventSource="signin.amazonaws.com",
        eventName="SwitchRole",
        userIdentity=role | {"arn": "arn:aws:sts::111122223333:assumed-role/Admin/bob"},
        responseElements={"SwitchRole": "Failure"},
        additionalEventData={"SwitchFrom": "arn:aws:iam::444455556666:user/bob"},
        **members,
    )


def test_an_id_of_another_account_s_event_stops_no_refresh(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """Whoever may write into the folder of one account harms no entry of another one."""
    login = {"eventSource": "signin.amazonaws.com", "eventName": "UserAuthentication"}
    logs = write_log([_refused_switch(1), event(2, **login)])
    rolecall.refresh(logs)
    true = rolecall.query("select * from role_entries")
    other = {"recipientAccountId": "999999999999"}
    for day in ("2026/03/01", "2026/03/02"):
        forged = [_refused_switch(1, **other), event(2, **login, **other)]
        logs = write_log(forged, account="999999999999", day=day)
        rolecall.refresh(logs)
    assert rolecall.query("select * from role_entries where entry_id not like '%/2'") == true
    assert len(rolecall.query("select * from role_entries")) == 2
    assert rolecall.query("select count(*) from console_sign_ins") == [(2,)]


def test_an_event_of_the_far_future_is_not_news_of_its_account(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    rolecall.refresh(write_log([event(1), event(2, eventTime="2999-01-01T00:00:00Z")]))
    refused = rolecall.run("history", "--active", exit_code=1).stderr
    assert refused.startswith("Error: The newest log is of 2026-03-02 00:00:00 UTC")


@pytest.mark.parametrize("fault", [None, ValueError("of the kernel")])
def test_a_file_that_cannot_be_looked_into_keeps_no_other_from_being_found(
    write_log: WriteLog, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    logs = write_log([event(1)])
    (logs / "strange").write_bytes(b"{}")

    class Strange:
        """What a file of the kernel is that has nothing to read yet, or another fault."""

        def __enter__(self) -> Strange:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self, _: int) -> None:
            if fault is not None:
                raise fault

    monkeypatch.setattr(
        "rolecall.local.log_files.open_file",
        lambda path: Strange() if path.endswith("strange") else open_file(path),
    )
    (found,) = find_log_files(logs)
    assert found.log_file.startswith("AWSLogs/")


_ROLE_ACCOUNT, _CALLERS_ACCOUNT = "444455556666", "111122223333"


def _assumption(number: int, day: int, by: dict[str, object], **changes: Any) -> dict[str, Any]:
    """Return a copy of mallory's AssumeRole of that day."""
    role, name = changes.get("role", "Admin"), changes.get("name", "mallory")
    granted = {
        "credentials": {
            "accessKeyId": changes.get("key", f"ASIA{day:016d}"),
            "expiration": f"Mar {day}, 2026, 11:00:00 AM",
        },
        "assumedRoleUser": {
            "assumedRoleId": f"AROA{role.upper()}:{name}",
            "arn": f"arn:aws:sts::{_ROLE_ACCOUNT}:assumed-role/{role}/{name}",
        },
    }
    refused = {"errorCode": "AccessDenied", "errorMessage": "no", "responseElements": None}
    record = event(
        number,
        eventTime=f"2026-03-{day:02d}T{changes.get('time', '10:00:00')}Z",
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        userIdentity=by,
        requestParameters={
            "roleArn": f"arn:aws:iam::{_ROLE_ACCOUNT}:role/{role}",
            "roleSessionName": name,
        },
        responseElements=granted,
        recipientAccountId=changes.get("account", _ROLE_ACCOUNT),
        sharedEventID=f"shared-{day}",
    )
    return record | (refused if changes.get("is_refused") else {})


def _user(name: str, account: str = _CALLERS_ACCOUNT) -> dict[str, object]:
    arn = f"arn:aws:iam::{account}:user/{name}"
    user_id = f"AIDA{name.upper()}"
    return {"type": "IAMUser", "principalId": user_id, "arn": arn, "accountId": account}


@pytest.mark.parametrize("has_callers_copy", [False, True])
def test_a_forged_copy_takes_no_true_assumptions_place(
    rolecall: Rolecall, write_log: WriteLog, *, has_callers_copy: bool
) -> None:
    """Whatever is told under the shared event id of a true one, in a file that comes first."""
    seen: dict[str, object] = {
        "type": "AWSAccount",
        "principalId": "AIDAMALLORY",
        "accountId": _CALLERS_ACCOUNT,
    }
    forgeries: list[dict[str, Any]] = [
        {"role": "ReadOnly", "name": "bob"},
        {"role": "ReadOnly", "name": "bob", "time": "09:00:00"},
        {"role": "ReadOnly", "name": "bob", "is_refused": True},
        {"is_refused": True},
        {"key": "ASIABOB"},
        {"role": "ReadOnly"},
        {"time": "09:59:59"},
        {},
    ]
    at_home = {"account": _CALLERS_ACCOUNT}
    true, callers, forged = [], [], []
    for day, forgery in enumerate(forgeries, start=1):
        true.append(_assumption(300 + day, day, seen))
        callers.append(_assumption(200 + day, day, _user("mallory"), **at_home))
        forged.append(_assumption(100 + day, day, _user("bob"), **at_home, **forgery))
    write_log(true, account=_ROLE_ACCOUNT, name="true.json.gz")
    if has_callers_copy:
        write_log(callers, name="callers.json.gz")
    logs = write_log(forged, name="a-forged.json.gz")
    rolecall.refresh(logs)

    first, side = (200, "both accounts") if has_callers_copy else (300, "role account")
    expected = []
    for day in range(1, len(forgeries) + 1):
        expected.append((event(first + day)["eventID"], side, "success", "Admin", "AIDAMALLORY"))
    answers = rolecall.query(
        "select role_assumption_id, seen_in, outcome, role_name, caller_principal_id"
        " from role_assumptions where role_session_name = 'mallory'"
        " and caller_principal_id = 'AIDAMALLORY' order by assumed_at"
    )
    assert answers == expected
    blamed = rolecall.query(
        "select role_assumption_id, seen_in, actor_name from role_assumptions"
        " where caller_principal_id = 'AIDABOB' order by role_assumption_id"
    )
    assert blamed == [
        (event(100 + day)["eventID"], "caller account", "bob")
        for day in range(1, len(forgeries) + 1)
    ]


def test_many_copies_of_one_shared_id_stay_as_many(rolecall: Rolecall, write_log: WriteLog) -> None:
    records = [
        _assumption(number, 1, _user(f"u{number}"), account=_CALLERS_ACCOUNT)
        for number in range(160)
    ]
    rolecall.refresh(write_log(records))
    assert rolecall.query("select count(*), count(distinct assumption_key) from assumptions") == [
        (160, 160)
    ]
