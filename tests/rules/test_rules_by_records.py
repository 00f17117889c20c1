"""Rules that are easily got wrong, each with a small trail and the answer that is right by hand."""

from __future__ import annotations

from typing import Any

import pytest

from support.command_line import Rolecall
from support.rule_records import write_rule_trail

_SESSIONS = "select {} from role_sessions where role_account_id = '{}' order by started_at, 1"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a database with all the trails."""
    folder = tmp_path_factory.mktemp("rules")
    rolecall = Rolecall(folder)
    rolecall.refresh(write_rule_trail(folder / "logs"))
    return rolecall


def _sessions(loaded: Rolecall, columns: str, account: str) -> list[tuple[Any, ...]]:
    return loaded.query(_SESSIONS.format(columns, account))


def test_a_name_like_an_instance_s_hides_nobody(loaded: Rolecall) -> None:
    columns = "actor_name, actor_method, actor_confidence, start_method, action_count"
    assert _sessions(loaded, columns, "651122223333") == [
        ("mallory", "assumed by user", "certain", "assume role", 1)
    ]
    assert _sessions(loaded, f"{columns}, actor_type", "721122223333") == [
        ("mallory", "assumed by user", "certain", "assume role", 1, "iam user"),
        ("i-0123456789abcdef0", "session name", "guess", "observed", 1, "unknown"),
    ]


def test_name_and_second_of_a_function_hide_nobody(loaded: Rolecall) -> None:
    columns = "actor_name, actor_type, actor_confidence, role_session_name, action_count"
    assert _sessions(loaded, columns, "731122223333") == [
        ("mallory", "iam user", "certain", "report", 2)
    ]


def test_the_path_of_a_role_hides_nobody(loaded: Rolecall) -> None:
    columns = "actor_name, start_method, role_switch_id, action_count"
    assert _sessions(loaded, columns, "741122223333") == [
        ("carol", "assume role", None, 0),
        ("mallory", "assume role", None, 1),
    ]


def test_a_source_identity_overrules_no_user(loaded: Rolecall) -> None:
    assert _sessions(
        loaded, "actor_name, actor_arn, actor_confidence, source_identity", "691122223333"
    ) == [("mallory", "arn:aws:iam::691122223333:user/mallory", "certain", "alice")]
    columns = """
        role_name, actor_name, actor_type, actor_method, actor_confidence, mfa, source_identity
    """
    assert _sessions(loaded, columns, "751122223333") == [
        ("Hub", "mallory", "iam user", "assumed by user", "certain", "no", "alice"),
        ("Deep", "mallory", "iam user", "chain", "certain", "no", "alice"),
        ("Admin", "dana", "unknown", "source identity", "likely", "unknown", "dana"),
        ("Sso", "fay.real", "federated user", "source identity", "certain", "not asserted",
         "fay.real"),
    ]  # fmt: skip


def test_a_transient_subject_names_nobody(loaded: Rolecall) -> None:
    columns = "actor_name, actor_type, actor_method, actor_confidence"
    assert set(_sessions(loaded, columns, "671122223333")) == {
        ("alice@example.com", "federated user", "saml session name", "certain")
    }


def test_a_role_named_like_a_permission_set_is_not_one_of_a_permission_set(
    loaded: Rolecall,
) -> None:
    columns = "actor_name, actor_type, actor_method, actor_confidence, start_method, mfa"
    assert _sessions(loaded, columns, "801122223333") == [
        ("x", "federated user", "saml subject", "certain", "saml", "not asserted"),
        ("alice@example.com", "unknown", "session name", "guess", "observed", "unknown"),
    ]


def test_identity_center_tells_address_and_factors(loaded: Rolecall) -> None:
    columns = "source_ip_address, address_evidence, mfa, mfa_evidence"
    assert _sessions(loaded, columns, "634455556666") == [
        ("203.0.113.99", "role credentials", "not asserted", None)
    ]
    assert _sessions(loaded, columns, "644455556666") == [
        ("203.0.113.99", "role credentials", "yes", "identity center sign-in")
    ]


def test_assume_root_is_a_session_with_a_person_behind_it(loaded: Rolecall) -> None:
    columns = """
        session_id, start_method, role_name, role_arn, actor_name, actor_method, chain_depth,
        action_count
    """
    root = "arn:aws:iam::622233334444:root"
    assert _sessions(loaded, columns, "622233334444") == [
        ("622233334444@2026-03-02T10:00:00Z#ASIAEXAMPLB0000ROOT1", "assume root", "root", root,
         "carol", "chain", 1, 1)
    ]  # fmt: skip
    account = "762233334444"
    columns = "split_part(session_id, '#', 2), actor_name, actor_type, chain_depth, action_count"
    assert sorted(_sessions(loaded, f"{columns}, start_method", account), key=str) == [
        ("ASIA76RC000000000000", "carol", "iam user", 0, 1, "assume root"),
        ("ASIA76RM000000000000", "mallory", "iam user", 0, 2, "assume root"),
        ("ASIA76RX000000000000", None, "unknown", 0, 1, "assume root"),
    ]
    assert loaded.query(
        "select role_account_id, outcome, session_id is not null from role_assumptions"
        " where event_name = 'AssumeRoot' and caller_account_id = '761122223333' order by 2, 3"
    ) == [(account, "failure", False), (account, "success", True), (account, "success", True)]


def test_a_service_is_told_by_the_key_that_it_issued(loaded: Rolecall) -> None:
    columns = "role_name, actor_name, actor_type, actor_confidence, mfa"
    assert loaded.query(
        f"select {columns} from role_sessions where role_account_id like '68%'"
    ) == [("Reader", "nightly-report", "workload", "likely", "unknown")]


def test_the_session_is_that_of_the_key_that_acts(loaded: Rolecall) -> None:
    columns = """
        assume_role_event_id, source_ip_address, mfa, strftime(expires_at, '%H:%M'), actor_name
    """
    assert _sessions(loaded, columns, "701122223333") == [
        ("00000070-0000-4000-8000-000000000088", "192.0.2.1", "no", "21:15", "gus")
    ]


def test_what_does_not_say_that_it_reads_writes_by_its_name(loaded: Rolecall) -> None:
    assert loaded.query(
        "select action_count, write_count from role_sessions where role_account_id like '66%'"
    ) == [(4, 2)]


def test_a_correction_takes_the_place_of_what_it_corrects(loaded: Rolecall) -> None:
    assert loaded.query(
        "select source_ip_address from role_switches where role_account_id like '61%'"
    ) == [("192.0.2.77",)]
    assert loaded.query(
        "select action_count, write_count from role_sessions where role_account_id like '61%'"
    ) == [(1, 1)]


def test_refusals_are_entries_with_the_person_behind_them(loaded: Rolecall) -> None:
    columns = "entered_at::time::text, how, outcome, actor_name, mfa, chain_depth"
    assert loaded.query(
        f"select {columns} from role_entries where role_account_id = '771122223333'"
        " and outcome = 'failure' order by 1"
    ) == [
        ("10:00:00", "assume role", "failure", "mallory", "unknown", 0),
        ("10:20:00", "assume role", "failure", "bob", "no", 1),
        ("11:00:01", "console switch", "failure", "carol", "unknown", None),
        ("12:00:00", "console switch", "failure", "dave", "unknown", 0),
        ("13:00:00", "assume role", "failure", "mallory", "unknown", 0),
    ]


def test_an_exit_three_weeks_later_ends_nothing(loaded: Rolecall) -> None:
    assert _sessions(loaded, "actor_name, exited_at::text", "781122223333") == [
        ("alice", None),
        ("bob", "2026-03-02 10:30:00"),
    ]


def test_a_principal_id_without_session_name_takes_it_from_the_arn(loaded: Rolecall) -> None:
    columns = "actor_name, start_method, role_session_name, action_count, write_count"
    assert _sessions(loaded, columns, "791122223333") == [("alice", "assume role", "alice", 1, 1)]


def test_paths_with_colons_hide_nobody(loaded: Rolecall) -> None:
    columns = "actor_name, actor_type, actor_confidence, start_method, write_count"
    assert _sessions(loaded, columns, "811122223333") == [
        ("mallory", "iam user", "certain", "assume role", 1),
        ("x", "federated user", "certain", "saml", 0),
        ("mallory", "iam user", "certain", "assume role", 0),
    ]


def test_what_two_people_of_one_name_and_second_did_names_neither(loaded: Rolecall) -> None:
    columns = "actor_name, actor_type, mfa, action_count, write_count, is_contested"
    assert _sessions(loaded, columns, "821122223333") == [
        (None, "unknown", "unknown", 2, 1, True),
        (None, "unknown", "unknown", 2, 1, True),
        (None, "unknown", "unknown", 2, 1, True),
    ]


def test_an_entry_of_which_another_s_key_acts_has_no_session(loaded: Rolecall) -> None:
    assert loaded.query(
        "select role_name, how, actor_name, session_id is not null, action_count from role_entries"
        " where role_account_id = '851122223333' order by entered_at, actor_name"
    ) == [
        ("Deploy", "assume role", "cron", True, 1),
        ("Deploy", "assume role", "mallory", False, None),
        ("Admin", "console switch", "alice", False, None),
        ("Admin", "assume role", "ben", True, 1),
    ]
    assert loaded.query(
        "select actor_name, session_id from role_switches where role_account_id = '851122223333'"
    ) == [("alice", None)]
    told = loaded.run("history", "--user", "mallory", "--account", "851122223333").stdout
    assert "assume role Deploy" in " ".join(told.split())
    ((switch, theirs),) = loaded.query(
        "select max(role_switch_id), max(entry_id) filter (actor_name = 'mallory')"
        " from role_entries where role_account_id = '851122223333'"
    )
    assert "No session came of it" in loaded.run("session", switch).stdout
    assert "No session and no switch" in loaded.run("session", theirs, exit_code=2).stderr


def test_each_of_two_who_cannot_be_told_apart_is_an_entry(loaded: Rolecall) -> None:
    entries = loaded.query(
        "select entered_at::time::text, actor_name, actor_type, action_count from role_entries"
        " where role_account_id = '821122223333' order by entered_at, action_count, actor_type"
    )
    assert [entry for entry in entries if entry[3] is not None] == [
        (f"{hour}:00:00", None, "unknown", 2) for hour in (10, 11, 12)
    ]
    assert sorted(entry[:3] for entry in entries if entry[3] is None) == [
        ("10:00:00", "alice", "iam user"),
        ("10:00:00", "alice", "unknown"),
        ("10:59:59", "mallory", "iam user"),
        ("11:00:00", "alice", "iam user"),
        ("12:00:00", "alice", "iam user"),
        ("12:00:00", "mallory", "iam user"),
    ]


def test_who_left_a_role_named_like_a_permission_set_is_not_a_user_of_identity_center(
    loaded: Rolecall,
) -> None:
    """It is who entered that role, while that session is known to live; else a guess."""
    assert loaded.query(
        "select role_name, actor_name, actor_type, actor_confidence, mfa from role_switches"
        " where role_account_id = '861122223333' order by switched_at"
    ) == [
        ("Early", "mallory", "iam user", "likely", "unknown"),
        ("Late", "alice@example.com", "unknown", "guess", "unknown"),
    ]


def test_a_pod_s_credentials_are_whose_asked_for_them(loaded: Rolecall) -> None:
    columns = "actor_name, actor_type, start_method, write_count"
    assert _sessions(loaded, columns, "831122223333") == [
        ("mallory", "iam user", "pod identity", 1)
    ]


def test_the_name_in_a_federation_token_names_nobody(loaded: Rolecall) -> None:
    assert loaded.query(
        "select actor_name, actor_type, actor_confidence, mfa, outcome from role_entries"
        " where role_account_id = '841122223333'"
    ) == [("mallory", "iam user", "certain", "not asserted", "failure")]
