"""`rolecall session`: found by any of its ids, and told as the logs tell it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.command_line import Rolecall
from support.logs import WriteLog, event

BOB = "AROABQIOM2ZEQ4DOWQU4G:bob@2026-03-09T13:21:30Z"
RELEASE = "AROAJNIPYOEO7C6XNVXOT:release-4711@2026-04-08T10:20:00Z"


def told(sample: Rolecall, given: str) -> dict[str, Any]:
    """Return what the command tells as JSON."""
    answer: dict[str, Any] = json.loads(sample.run("session", given, "--format", "json").stdout)
    return answer


def test_any_id_of_it_finds_a_session(sample: Rolecall) -> None:
    ((*ids, key),) = sample.query(
        f"""
        select
            role_switches.role_switch_id, role_switches.role_event_id,
            role_switches.source_event_id, role_assumptions.caller_event_id,
            role_assumptions.role_event_id, role_switches.session_id
        from role_switches
        inner join role_assumptions
            on role_switches.assume_role_event_id = role_assumptions.role_assumption_id
        where role_switches.session_id = '{BOB}'
        """
    )
    assert len(set(ids)) == 4  # the switch has the role record's id
    for given in (*ids, key, ids[0][:8], ids[2].upper(), BOB[:40]):
        assert told(sample, given)["session"]["session_id"] == BOB


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("AROABQ", "'AROABQ' begins the ids of 6 sessions and switches: give more of it."),
        ("zzz", "No session and no switch has an id that begins with 'zzz'."),
        ("%", "No session and no switch has an id that begins with '%'."),
        ("*", "'*' is not an id"),
        ("", "'' is not an id"),
    ],
)
def test_what_is_not_an_id_gives_one_sentence(sample: Rolecall, given: str, message: str) -> None:
    done = sample.run("session", given, exit_code=2)
    assert message in done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_the_whole_session_is_told(sample: Rolecall) -> None:
    answer = told(sample, BOB)
    session, actions = answer["session"], answer["actions"]
    assert (session["actor_name"], session["mfa"], session["mfa_evidence"]) == (
        "bob",
        "no",
        "assume role",
    )
    assert session["source_ip_address"] == "203.0.113.48"
    assert [action["event_name"] for action in actions] == [
        "ListBuckets",
        "DeleteBucket",
        "ListUsers",
    ]
    assert [action["is_denied"] for action in actions] == [False, True, False]
    text = sample.run("session", BOB).stdout
    assert "bob, iam user (certain: switch from user)" in text
    assert "no, by assume role" in text
    assert "3, 1 write among them, 1 denied, from 1 address" in text
    assert "DeleteBucket denied" in text
    assert "No data events are logged there" in text


def test_the_chain_is_a_tree(sample: Rolecall) -> None:
    text = sample.run("session", RELEASE).stdout
    tree = text.partition("chain\n")[2].splitlines()[:4]
    assert [line.lstrip(" └─") for line in tree] == [
        "alice",
        "Developer in 777788889999 as alice, 2026-04-08 10:06",
        "ReadOnly in 444455556666 as alice, 2026-04-08 10:09",
        "Deploy in 444455556666 as release-4711, 2026-04-08 10:20 <- here",
    ]
    assert [row["chain_depth"] for row in told(sample, RELEASE)["chain"]] == [0, 1, 2]


def test_a_refused_switch_is_told_without_a_session(sample: Rolecall) -> None:
    ((switch_id,),) = sample.query(
        "select role_switch_id from role_switches where outcome = 'failure'"
    )
    answer = told(sample, switch_id)
    assert answer["session"]["session_id"] is None
    assert answer["session"]["actor_name"] == "bob"
    assert answer["chain"] == answer["actions"] == []
    text = sample.run("session", switch_id).stdout
    assert "failure: Failed authentication" in text
    assert "No session came of it, as far as the logs show." in text


def test_a_refused_assumption_is_told_to_have_no_session(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    user = {"type": "IAMUser", "principalId": "AIDA1", "arn": "arn:aws:iam::111122223333:user/eve"}
    role = {"roleArn": "arn:aws:iam::111122223333:role/Admin", "roleSessionName": "eve"}
    refused = event(
        7,
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        userIdentity=user | {"accountId": "111122223333", "userName": "eve"},
        requestParameters=role,
        errorCode="AccessDenied",
    )
    rolecall.refresh(write_log([refused]))
    done = rolecall.run("session", refused["eventID"], exit_code=2)
    assert "is of an assumption that no session came of: `rolecall history --outcome" in done.stderr


def test_times_are_of_the_time_zone(sample: Rolecall) -> None:
    text = sample.run("session", BOB, "--timezone", "Asia/Tokyo").stdout
    assert "2026-03-09 22:21:30" in text


def _action(number: int, second: int, **members: Any) -> dict[str, Any]:
    identity = {
        "type": "AssumedRole",
        "principalId": "AROAXXXXXXXXXXXXXXXXX:zoe [1;31m",
        "arn": "arn:aws:sts::111122223333:assumed-role/Ops/zoe",
        "accountId": "111122223333",
        "sessionContext": {"attributes": {"creationDate": "2026-03-01T00:00:00Z"}},
    }
    time = f"2026-03-01T00:{second // 60:02d}:{second % 60:02d}Z"
    return event(number, userIdentity=identity, eventTime=time, **members)


def test_many_actions_are_counted_by_kind(rolecall: Rolecall, write_log: WriteLog) -> None:
    records = [_action(number, number, readOnly=True) for number in range(50)]
    records += [
        _action(100, 5, eventName="PutObject", readOnly=False, eventCategory="Data"),
        _action(101, 9, eventName="PutObject", readOnly=False, errorCode="AccessDenied"),
    ]
    rolecall.refresh(write_log(records))
    text = rolecall.run("session", "AROAX").stdout
    header, *rows = text[text.index("first ") :].splitlines()
    assert header.split() == [
        *("first", "last", "service", "action", "times", "writes", "denied", "region", "address")
    ]
    assert [row.split()[5:9] for row in rows] == [
        ["ListBuckets", "50", "0", "0"],
        ["PutObject", "2", "2", "1"],
    ]
    # There are data events here; and no name of a session moves the terminal's cursor.
    assert "No data events" not in text
    assert "\x1b" not in text
    assert len(told(rolecall, "AROAX")["actions"]) == 52
