"""The questions of `analyses/` about sessions give the sample's answers, with their parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.project.analyses import analyses
from support.command_line import Rolecall
from support.logs import WriteLog, event

# Of what questions need, or are confined to, one that the sample has.
_NEEDED = {"account": "444455556666", "role": "ReadOnly", "person": "alice", "resource": "x"}
BOB = "AROABQIOM2ZEQ4DOWQU4G:bob@2026-03-09T13:21:30Z"


def asked(sample: Rolecall, name: str, **params: str) -> list[dict[str, Any]]:
    """Return the answer to a question."""
    given = [part for key, value in params.items() for part in ("--param", f"{key}={value}")]
    answer: list[dict[str, Any]] = json.loads(
        sample.run("query", name, "--format", "json", *given).stdout
    )
    return answer


def test_who_used_a_role(sample: Rolecall) -> None:
    rows = asked(sample, "who_used_this_role", role="readonly")
    assert [(row["actor_name"], row["times_used"], row["times_without_mfa"]) for row in rows] == [
        ("bob", 3, 3),
        ("alice", 3, 0),
    ]
    rows = asked(sample, "who_used_this_role", role="*", account="777788889999")
    assert [row["actor_name"] for row in rows] == ["carol", "alice"]
    assert asked(sample, "who_used_this_role", role="readonly", to_day="2026-03-08") == []


def test_what_a_person_did_in_whatever_role(sample: Rolecall) -> None:
    day = {"from_day": "2026-04-08", "to_day": "2026-04-08"}
    rows = asked(sample, "what_did_this_person_do", person="alice", **day)
    # Under the session name release-4711 it was alice all the same.
    assert [(row["role_name"], row["event_name"]) for row in rows] == [
        ("Developer", "AssumeRole"),
        ("ReadOnly", "DescribeAlarms"),
        ("ReadOnly", "AssumeRole"),
        ("Deploy", "CreateChangeSet"),
    ]
    assert asked(sample, "what_did_this_person_do", person="ali") == []


def test_who_touched_a_resource(sample: Rolecall) -> None:
    """The role account's copy of an AssumeRole names the caller's id only: it was alice too."""
    rows = asked(sample, "who_touched_this_resource", resource="role/delivery/Deploy")
    assert {row["actor_name"] for row in rows} == {"alice"}
    assert {row["event_name"] for row in rows} == {"AssumeRole"}
    assert asked(sample, "who_touched_this_resource", resource="no-such-thing") == []


def test_an_access_review_shows_what_is_not_used(sample: Rolecall) -> None:
    rows = asked(sample, "access_review", from_day="2026-04-01", to_day="2026-04-30")
    found = {(row["actor_name"], row["role_name"]): row for row in rows}
    assert found["alice", "Admin"]["is_unused"] is True
    assert found["alice", "Admin"]["days_with_logs"] == 12
    # The partner's account has no logs: she is known to be in it from her own.
    assert found["alice", "PartnerAccess"]["days_with_logs"] == 0
    assert found["alice", "Admin"]["last_used_at"] == "2026-03-03T08:14:40Z"
    assert found["bob", "ReadOnly"]["times_used"] == 2
    assert found["alice", "Deploy"]["write_count"] == 1
    in_march = asked(sample, "access_review", from_day="2026-03-01", to_day="2026-03-31")
    assert ("bob", "Admin") not in {(row["actor_name"], row["role_name"]) for row in in_march}


def test_that_a_role_is_not_used_is_known_of_days_with_logs_alone(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    def acted(number: int, name: str, day: int) -> dict[str, Any]:
        identity = {
            "type": "AssumedRole",
            "principalId": f"AROAXXXXXXXXXXXXXXXXX:{name}",
            "arn": f"arn:aws:sts::111122223333:assumed-role/Ops/{name}",
            "sessionContext": {"attributes": {"creationDate": f"2026-03-{day:02d}T09:00:00Z"}},
        }
        return event(number, userIdentity=identity, eventTime=f"2026-03-{day:02d}T09:05:00Z")

    write_log([acted(1, "zoe", 2), acted(2, "yan", 2)], day="2026/03/02")
    write_log([event(3, eventTime="2026-03-10T09:00:00Z")], day="2026/03/10")
    # Another account's logs say nothing of this one's roles, nor does a file that is cut.
    write_log([event(4, recipientAccountId="444455556666")], "2.json", "2026/03/15", "444455556666")
    write_log(day="2026/03/16", body=b"{")
    rolecall.refresh(write_log([acted(5, "zoe", 20)], day="2026/03/20"))

    def reviewed(first: str, last: str) -> dict[str, tuple[int, bool | None]]:
        window = {"from_day": f"2026-03-{first}", "to_day": f"2026-03-{last}"}
        rows = asked(rolecall, "access_review", **window)
        return {row["actor_name"]: (row["days_with_logs"], row["is_unused"]) for row in rows}

    assert reviewed("03", "19") == {"zoe": (1, True), "yan": (1, True)}
    assert reviewed("10", "20") == {"zoe": (2, False), "yan": (2, True)}
    assert reviewed("11", "19") == {"zoe": (0, None), "yan": (0, None)}
    assert reviewed("11", "20") == {"zoe": (1, False), "yan": (1, True)}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        (name, {key: text for key, text in _NEEDED.items() if key in analysis.parameters})
        for name, analysis in analyses().items()
        if {"from_day", "to_day"} & analysis.parameters.keys() and name != "coverage_gaps"
    ],
)
def test_every_question_with_a_window_says_what_of_it_has_no_logs(
    sample: Rolecall, name: str, params: dict[str, str]
) -> None:
    window = {"from_day": "2026-04-20", "to_day": "2026-05-10"}
    given = [f"--param={key}={text}" for key, text in (params | window).items()]
    told = sample.run("query", name, *given, "--format", "csv").stderr
    assert "overed: " in told and "no logs after 2026-0" in told


def test_what_is_done_after_midnight_is_of_that_day(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    """A session of 1 March that goes on until 2 March was used on both days, and on no other."""
    identity = {
        "type": "AssumedRole",
        "principalId": "AROAXXXXXXXXXXXXXXXXX:zoe",
        "arn": "arn:aws:sts::111122223333:assumed-role/Ops/zoe",
        "sessionContext": {"attributes": {"creationDate": "2026-03-01T23:50:00Z"}},
    }
    rolecall.refresh(
        write_log(
            event(number, userIdentity=identity, eventTime=time, eventName=name, readOnly=False)
            for number, time, name in (
                (1, "2026-03-01T23:55:00Z", "CreateUser"),
                (2, "2026-03-01T23:56:00Z", "CreateUser"),
                (3, "2026-03-02T00:10:00Z", "DeleteUser"),
                (4, "2026-03-02T00:11:00Z", "CreateUser"),
            )
        )
    )
    for day, times, done in (
        ("2026-02-28", 0, []),
        ("2026-03-01", 1, [("CreateUser", 2)]),
        ("2026-03-02", 1, [("DeleteUser", 1), ("CreateUser", 1)]),
        ("2026-03-03", 0, []),
    ):
        window = {"from_day": day, "to_day": day}
        rows = asked(rolecall, "what_did_this_person_do", person="zoe", **window)
        assert [(row["event_name"], row["write_count"]) for row in rows] == done
        assert len(asked(rolecall, "who_used_this_role", role="Ops", **window)) == times
        reviewed = asked(rolecall, "access_review", **window)
        assert [row["times_used"] for row in reviewed] == ([] if day < "2026-03" else [times])


def test_a_timeline_and_its_groups_have_the_same_actions(sample: Rolecall) -> None:
    timeline = asked(sample, "session_timeline", session_id=BOB)
    groups = asked(sample, "session_action_groups", session_id=BOB)
    assert [row["event_name"] for row in timeline] == ["ListBuckets", "DeleteBucket", "ListUsers"]
    assert sum(row["action_count"] for row in groups) == len(timeline)
    assert sum(row["denied_count"] for row in groups) == 1


@pytest.mark.parametrize(
    ("at", "people"),
    [("2026-03-24T07:40:00Z", ["dana@example.com"] * 2), ("2026-03-24T07:00:00Z", [])],
)
def test_who_is_in_a_role_however_they_entered(
    sample: Rolecall, at: str, people: list[str]
) -> None:
    assert [row["actor_name"] for row in asked(sample, "active_sessions", active_at=at)] == people
