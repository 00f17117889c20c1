"""The real records that others published load whole, and their switches come out right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.command_line import FIXTURES, Rolecall
from support.published import published_logs

# Every SwitchRole in the records: event id, where it was seen, who switched.
SWITCHES = [
    (
        "a3a42af4-0c3b-4654-9894-5d618767ee18",
        "role account",
        "arn:aws:sts::123456789012:assumed-role/Admin/yohei-a",
    ),
    (
        "70627092-0c9c-4163-9975-42ffcc50a37a",
        "role account",
        "arn:aws:iam::203016562928:user/bob@example.com",
    ),
    # The two halves of one switch, made anonymous with another account in each.
    (
        "60fdb466-fbf7-4da0-b521-0e9979e73c5d",
        "source account",
        "arn:aws:iam::000000000000:user/uhura",
    ),
    (
        "fdbb2209-3fc9-4304-bcde-00634c0b7889",
        "role account",
        "arn:aws:iam::000000000000:user/uhura",
    ),
    (
        "87337348-62a8-4e1f-9c64-79566dc7ca56",
        "role account",
        "arn:aws:iam::999999999999:user/Alice",
    ),
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a command line with all published records loaded."""
    folder = tmp_path_factory.mktemp("published")
    rolecall = Rolecall(folder)
    rolecall.refresh(published_logs(folder / "logs"))
    return rolecall


def test_every_switch_is_one_row(loaded: Rolecall) -> None:
    rows = loaded.query(
        "select role_switch_id, seen_in, source_arn from role_switches order by switched_at"
    )
    assert rows == SWITCHES


def test_every_file_is_read(loaded: Rolecall) -> None:
    assert loaded.query("select status, count(*) from log_files group by 1") == [("loaded", 111)]


@pytest.mark.parametrize(
    ("folder", "records", "rejected"),
    [
        ("invictus-ir__aws_dataset", 2900, 0),
        ("DataDog__stratus-red-team", 310, 0),
        ("opensearch-project__opensearch-catalog", 891, 0),
        ("mozilla-services__foxsec-pipeline", 27, 0),
        ("published_examples", 15, 1),
    ],
)
def test_every_record_is_counted(
    loaded: Rolecall, folder: str, records: int, rejected: int
) -> None:
    (counts,) = loaded.query(
        f"""
        select
            sum(record_count), sum(event_count + copied_record_count), sum(rejected_record_count)
        from log_files where starts_with(log_file, '{folder}')
        """
    )
    assert counts == (records, records - rejected, rejected)


def test_the_one_record_without_a_valid_time_is_rejected(loaded: Rolecall) -> None:
    rows = loaded.query("select log_file from log_files where rejected_record_count > 0")
    assert rows == [("published_examples/switchrole_source_SwitchTo_v1.05_PLACEHOLDERS.json.gz",)]


def test_the_published_switch_has_its_session_and_mfa(loaded: Rolecall) -> None:
    """By hand from the record in "Audit User Actions Using CloudTrail - Part 2"."""
    (row,) = loaded.query(
        """
        select
            switched_at::text, role_account_id, role_name, role_session_name, actor_name, mfa,
            mfa_evidence, source_ip_address, session_id, assume_role_event_id
        from role_switches where role_switch_id = '70627092-0c9c-4163-9975-42ffcc50a37a'
        """
    )
    assert row == (
        "2020-09-17 19:04:10",
        "776613361644",
        "assume-admin-role-example",
        "bob@example.com",
        "bob@example.com",
        "yes",
        "assume role",
        "75.15.154.15",
        "AROAJBP4A5WSXVNY72RLE:bob@example.com@2020-09-17T19:04:10Z",
        "14fb06e3-5649-4fc3-a274-226ba85c8be6",
    )


def test_the_published_assumption_is_folded(loaded: Rolecall) -> None:
    rows = loaded.query(
        """
        select seen_in, caller_event_id, role_event_id, is_console_switch from role_assumptions
        where role_name = 'assume-admin-role-example'
        """
    )
    assert rows == [
        (
            "both accounts",
            "14fb06e3-5649-4fc3-a274-226ba85c8be6",
            "40b4d219-0448-436f-9420-cdd3dc654b44",
            True,
        )
    ]


def test_records_in_their_own_product_s_envelope_are_rejected_not_lost(
    rolecall: Rolecall, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    path = FIXTURES / "mozilla-services__foxsec-pipeline" / "ParserTest.jsonl.gz"
    (tmp_path / "logs" / path.name).write_bytes(path.read_bytes())
    rolecall.refresh(tmp_path / "logs")
    (counts,) = rolecall.query(
        "select record_count, event_count + copied_record_count, rejected_record_count"
        " from log_files"
    )
    assert counts == (11, 4, 7)


def _sessions(loaded: Rolecall, columns: str, principal: str) -> list[Any]:
    return loaded.query(
        f"select {columns} from role_sessions where starts_with(principal_id, '{principal}')"
        " order by started_at"
    )


def test_the_published_switch_is_a_session_with_its_action(loaded: Rolecall) -> None:
    """By hand from "Audit User Actions Using CloudTrail - Part 2": bob creates a user."""
    columns = """
        session_id, start_method, role_switch_id, parent_session_id, chain_depth, actor_arn,
        actor_method, actor_confidence, mfa, mfa_evidence, source_ip_address, action_count,
        write_count, expires_at::text, role_arn
    """
    assert _sessions(loaded, columns, "AROAJBP4A5WSXVNY72RLE") == [
        (
            "AROAJBP4A5WSXVNY72RLE:bob@example.com@2020-09-17T19:04:10Z",
            "console switch",
            "70627092-0c9c-4163-9975-42ffcc50a37a",
            None,
            0,
            "arn:aws:iam::203016562928:user/bob@example.com",
            "switch from user",
            "certain",
            "yes",
            "assume role",
            "75.15.154.15",
            1,
            1,  # records of 2020 do not say what only reads: CreateUser does not
            "2020-09-17 20:04:10",
            "arn:aws:iam::776613361644:role/assume-admin-role-example",
        )
    ]
    done = loaded.run("session", "14fb06e3-5649-4fc3-a274-226ba85c8be6").stdout
    assert "CreateUser" in done and "yes, by assume role" in done


def test_the_published_entry_through_identity_center(loaded: Rolecall) -> None:
    """By hand from the published chain: a federated entry, its address that of the first action."""
    columns = """
        session_id, start_method, actor_name, actor_type, actor_arn, actor_confidence, mfa,
        source_ip_address, action_count, role_name
    """
    assert _sessions(loaded, columns, "AROA52RQV4237EYPOIPDF") == [
        (
            "AROA52RQV4237EYPOIPDF:aidan.steele@glassechidna.com.au@2026-07-01T00:08:20Z",
            "identity center",
            "aidan.steele@glassechidna.com.au",
            "identity center user",
            None,
            "certain",
            "not asserted",
            "54.79.161.228",
            1,
            "AWSReservedSSO_AdministratorAccess_7243976e43c75fc5",
        )
    ]


def test_a_switch_out_of_a_role_that_was_never_seen_is_a_guess(loaded: Rolecall) -> None:
    columns = "actor_name, actor_type, actor_confidence, chain_depth, parent_session_id, mfa"
    (row,) = loaded.query(
        f"select {columns} from role_sessions"
        " where role_switch_id = 'a3a42af4-0c3b-4654-9894-5d618767ee18'"
    )
    assert row == ("yohei-a", "unknown", "guess", 1, None, "unknown")


def test_sessions_of_services_and_instances_are_left_out(loaded: Rolecall) -> None:
    """Of the services that assume roles in these trails, and the instances, none is a person."""
    instance = "regexp_matches(role_session_name, '^i-0[0-9a-f]{16}$')"
    ((services, instances),) = loaded.query(
        f"""
        select
            count(*) filter (where start_method = 'service'),
            count(*) filter (where {instance})
        from sessions where is_service_session
        """
    )
    assert services > 20
    assert instances > 0
    people = loaded.query(
        f"select count(*) from role_sessions where start_method = 'service' or {instance}"
    )
    assert people == [(0,)]


def test_every_action_of_a_role_session_is_counted_once(loaded: Rolecall) -> None:
    """Counted from the events themselves."""
    (counts,) = loaded.query(
        """
        select
            (select sum(action_count) from sessions),
            (
                select count(*) from events
                where
                    identity_type = 'AssumedRole'
                    and session_created_at is not null
                    and event_source <> 'signin.amazonaws.com'
            )
        """
    )
    assert counts[0] == counts[1] > 500
