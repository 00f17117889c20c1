"""Secrets are gone before anything is stored, the same on both engines, and JSON stays JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_athena.account import COMPLETE, Account, Warehouse
from support.command_line import PROJECT, Rolecall
from support.logs import WriteLog, event, log_key
from support.macros_alone import answer_of
from support.secret_texts import GONE, harmless_texts, json_texts, plain_texts

_TEMPLATE = "ANSWER{{ tojson({'sql': redacted_text('text')}) }}"
_TEXTS = [*json_texts(), *plain_texts()]
_ASKED_AT_ONCE = 60
# Names of secrets and of anything, and pieces of texts that look like JSON, or have secrets.
_SECRETS = ("password", "authToken", "apiKey", "client_secret")
_OTHERS = ("name", "value", "key", "policy", "environment", "a", 'x"', "x\\")
_PIECES = (
    *(
        "SECRET",
        "a",
        "\\",
        '"',
        "DB_PASSWORD",
        "{",
        "]",
        "\n",
        "\u00e9",
        '":"',
        "password=",
        "token: ",
    ),
    *('{"password":', '\\"apiKey\\":[', "https://u:SECRET@h/?token=SECRET", 'x="'),
    "-----BEGIN PRIVATE KEY-----\nSECRET",
)


@pytest.fixture(scope="module")
def redacted_sql(tmp_path_factory: pytest.TempPathFactory) -> str:
    sql: str = answer_of(_TEMPLATE, tmp_path_factory.mktemp("macro"), target="local")["sql"]
    return sql


def _left_on_duckdb(sql: str, texts: Sequence[str]) -> list[str | None]:
    with duckdb.connect() as connection:
        connection.execute("create table texts (number integer, text varchar)")
        connection.executemany("insert into texts values (?, ?)", list(enumerate(texts)))
        rows = connection.execute(f"select {sql} from texts order by number").fetchall()
    return [left for (left,) in rows]


def test_no_secret_is_left(redacted_sql: str) -> None:
    left = _left_on_duckdb(redacted_sql, [each.text for each in _TEXTS])
    wrong = [
        (each.name, each.left, found)
        for each, found in zip(_TEXTS, left, strict=True)
        if found != each.left
    ]
    assert wrong == []


def test_what_is_not_a_secret_stays(redacted_sql: str) -> None:
    texts = harmless_texts()
    left = _left_on_duckdb(redacted_sql, texts)
    assert [pair for pair in zip(texts, left, strict=True) if pair[0] != pair[1]] == []


def test_a_text_too_long_to_look_into_is_withheld_if_it_has_a_hint(redacted_sql: str) -> None:
    def text(length: int, name: str) -> str:
        start, end = '{"a":"', f'","{name}":"x"}}'
        return start + "b" * (length - len(start) - len(end)) + end

    texts = [text(32_000, "password"), text(32_001, "password"), text(100_000, "policy")]
    left = _left_on_duckdb(redacted_sql, texts)
    assert left[0] == text(32_000, "password").replace('"x"}', f'"{GONE}"}}')
    assert left[1:] == ['{"redacted": true}', texts[2]]


def test_a_text_with_too_many_names_is_withheld_if_it_has_a_hint(redacted_sql: str) -> None:
    def text(number: int, name: str) -> str:
        values = ",".join(['{"value":"x"}'] * number)
        return f'{{"a":[{values}],"{name}":"x"}}'

    left = _left_on_duckdb(
        redacted_sql, [text(300, "password"), text(301, "password"), text(2000, "policy")]
    )
    assert left[0] == text(300, "password").replace('"password":"x"', f'"password":"{GONE}"')
    assert left[1:] == ['{"redacted": true}', text(2000, "policy")]


def test_json_stays_json(redacted_sql: str) -> None:
    texts = [each.text for each in json_texts()]
    for left in _left_on_duckdb(redacted_sql, texts):
        assert left is not None
        json.loads(left)


def _values() -> st.SearchStrategy[Any]:
    pieces = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join)
    return st.recursive(
        st.none() | st.booleans() | st.integers() | pieces,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from((*_SECRETS, *_OTHERS)), inner, max_size=3)
            | st.builds(json.dumps, inner, indent=st.sampled_from((None, 2)))
        ),
        max_leaves=12,
    )


@given(st.lists(st.fixed_dictionaries({"request": _values()}), min_size=10, max_size=40))
def test_whatever_the_json_it_stays_json_and_no_member_keeps_a_secret(
    redacted_sql: str, values: list[dict[str, Any]]
) -> None:
    texts = [json.dumps(value) for value in values]
    for text, left in zip(texts, _left_on_duckdb(redacted_sql, texts), strict=True):
        assert left is not None
        assert (text, list(_kept(json.loads(left)))) == (text, [])


def _kept(value: Any) -> Iterable[Any]:
    """Yield what members by the names of secrets still have, in JSON that is quoted too."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in _SECRETS and isinstance(member, str | list | dict) and member:
                if member not in (GONE, "true", "false"):
                    yield name, member
            else:
                yield from _kept(member)
    elif isinstance(value, list):
        for member in value:
            yield from _kept(member)
    elif isinstance(value, str) and value.startswith(("{", "[")):
        try:
            quoted = json.loads(value)
        except json.JSONDecodeError:
            return
        yield from _kept(quoted)


def test_each_text_of_the_list_has_a_secret() -> None:
    assert [each.name for each in _TEXTS if "SECRET" not in each.text] == []


@pytest.mark.xdist_group("athena")
def test_both_engines_leave_the_same(account: Account, tmp_path: Path, redacted_sql: str) -> None:
    sql = answer_of(_TEMPLATE, tmp_path)["sql"]
    texts = [*(each.text for each in _TEXTS), *harmless_texts()]
    texts = [text for text in texts if "\x01" not in text and "\x02" not in text]
    expected = _left_on_duckdb(redacted_sql, texts)
    found: list[str | None] = []
    for start in range(0, len(texts), _ASKED_AT_ONCE):
        values = ", ".join(
            f"({number}, '{text.replace(chr(39), chr(39) * 2)}')"
            for number, text in enumerate(texts[start : start + _ASKED_AT_ONCE])
        )
        rows = account.query(
            f"select {sql} from (values {values}) as texts (number, text) order by number"
        )
        found += [left for (left,) in rows]
    assert [each for each in zip(texts, expected, found, strict=True) if each[1] != each[2]] == []


def test_a_text_of_many_names_is_withheld(redacted_sql: str) -> None:
    """From each name Athena's engine may look through all the rest of a text."""
    few, many = (
        '{"password":"SECRET",' + ",".join(['"value":"x"'] * count) + "}" for count in (300, 301)
    )
    left = _left_on_duckdb(redacted_sql, [few, many])
    assert left == [few.replace("SECRET", "REDACTED"), '{"redacted": true}']


_SAYING_SECRETS: dict[str, Any] = {
    "eventName": "password=LEAK",
    "eventVersion": "token=LEAK",
    "sourceIPAddress": "password=LEAK",
    "errorCode": "password=LEAK",
    "apiVersion": "password=LEAK",
    "requestID": "token=LEAK",
    "sharedEventID": "token=LEAK",
    "vpcEndpointId": "token=LEAK",
    "userAgent": {"password": "LEAK"},
    "errorMessage": '{"p\\u0061ssword":"LEAK"}',
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:token=LEAK",
        "arn": "arn:aws:sts::111122223333:assumed-role/Role/token=LEAK",
        "userName": {"password": "LEAK"},
        "identityProvider": "https://u:LEAK@h/",
        "credentialId": "-----BEGIN PRIVATE KEY-----LEAK",
        "sessionContext": {
            "sourceIdentity": "token=LEAK",
            "webIdFederationData": {"federatedProvider": "https://a/?token=LEAK"},
        },
    },
    "tlsDetails": {
        "clientProvidedHostHeader": "user:LEAK@h?token=LEAK",
        "tlsVersion": "https://u:LEAK@h",
    },
    "addendum": {"reason": "password=LEAK", "updatedFields": '{"password":"LEAK"}'},
    "resources": [{"ARN": "https://b/k?X-Amz-Security-Token=LEAK", "type": "password=LEAK"}],
}
_LEFT = """
    select
        event_name, error_code, principal_id, identity_arn, user_name, identity_provider,
        credential_id, source_identity, federated_provider, tls_host_header, addendum_updated_fields
    from events where event_name like 'password%'
"""
_LEFT_ROW = (
    "password=REDACTED",
    "password=REDACTED",
    "AROAEXAMPLE:token=REDACTED",
    "arn:aws:sts::111122223333:assumed-role/Role/token=REDACTED",
    '{"password":"REDACTED"}',
    "https://u:REDACTED@h/",
    "REDACTED",
    "token=REDACTED",
    "https://a/?token=REDACTED",
    "REDACTED@h?token=REDACTED",
    '{"password":"REDACTED"}',
)


def test_no_column_keeps_a_secret(rolecall: Rolecall, write_log: WriteLog) -> None:
    plain = event(2, userIdentity={"userName": "eve", "principalId": "AIDA:eve@example.com"})
    logs = write_log([event(1, **_SAYING_SECRETS), plain])
    rolecall.refresh(logs)
    assert rolecall.query(_LEFT) == [_LEFT_ROW]
    assert rolecall.query(
        "select event_id, user_name, principal_id from events where event_name = 'ListBuckets'"
    ) == [(plain["eventID"], "eve", "AIDA:eve@example.com")]
    assert b"LEAK" not in _bytes(rolecall)


@pytest.mark.xdist_group("athena")
def test_no_column_keeps_a_secret_on_athena_and_an_older_store_is_cleaned_when_asked(
    account: Account, tmp_path: Path
) -> None:
    texts = {"userAgent": "token=LEAK"}
    identity = _SAYING_SECRETS["userIdentity"] | {"userName": '{"password":"LEAK"}'}
    record = event(1, **(_SAYING_SECRETS | texts | {"userIdentity": identity}))
    key = log_key("111122223333", "us-east-1", "2026/03/01", logs="AWSLogs/")
    account.put_log("secrets", key, [record, event(2, eventID="token=LEAK")])
    account.create_table("default.secrets", "secrets", COMPLETE)
    warehouse = Warehouse(account, "without_secrets", "secrets", tmp_path)
    warehouse.dbt(PROJECT, "run", "--select", "+log_reads")
    assert warehouse.rows(_LEFT) == [list(_LEFT_ROW)]
    ids = "select count(*) from events where length(event_id) = 64"
    assert warehouse.rows(ids) == [["1"]]
    warehouse.rows(
        """
        update events
        set
            event_id = 'token=LEAK',
            user_name = 'password=LEAK',
            tls_host_header = 'eve:LEAK@token=LEAK'
        where event_name like 'password%'
        """
    )
    warehouse.dbt(PROJECT, "run-operation", "clean_stored_secrets")
    assert warehouse.rows(ids) == [["2"]]
    assert warehouse.rows(
        "select user_name, tls_host_header from events where event_name like 'password%'"
    ) == [["password=REDACTED", "REDACTED@token=REDACTED"]]


@pytest.mark.xdist_group("athena")
def test_an_older_store_on_athena_is_cleaned_by_its_next_refresh(
    account: Account, tmp_path: Path
) -> None:
    name = "oldersecrets"
    key = log_key("111122223333", "us-east-1", "2026/03/01", logs="AWSLogs/")
    records = [
        event(1, eventName="ConsoleLogin", eventSource="signin.amazonaws.com"),
        event(2, eventTime="2026-02-01T00:00:00Z"),
    ]
    account.put_log(name, key, records)
    account.create_table(f"default.{name}", name, COMPLETE)
    warehouse = Warehouse(account, name, name, tmp_path)
    warehouse.rolecall("refresh")
    # As a version without these rules left it.
    warehouse.rows("update events set user_name = 'password=LEAK', user_agent = 'token=LEAK'")
    warehouse.rows("update identity_events set user_name = 'password=LEAK'")
    place = {"Bucket": "results", "Key": f"{warehouse.schema}/state/{warehouse.schema}.json"}
    noted = json.loads(account.client("s3").get_object(**place)["Body"].read())
    noted["cleaning"] = 1
    account.client("s3").put_object(**place, Body=json.dumps(noted).encode())
    cleaned = warehouse.rolecall("refresh")
    assert "Removing secrets that an older version stored" in cleaned.stderr
    for table in ("events", "identity_events"):
        assert warehouse.rows(f"select distinct user_name from {table}") == [["password=REDACTED"]]
    assert warehouse.rows("select count(*) from events") == [["2"]]
    assert "Removing secrets" not in warehouse.rolecall("refresh").stderr


def test_what_a_caller_hides_in_a_request_hides_neither_role_nor_session(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    deep: Any = {"password": "LEAK"}
    for _ in range(6):
        deep = {"a": json.dumps(deep)}
    hiding = (
        json.dumps(deep),
        json.dumps({"credential": [[[[["LEAK"]]]]]}),
        "LEAK" + "\\" * 31 + '"password":{"',
    )
    records: list[dict[str, Any]] = []
    for text in hiding:
        for place in ("tags", "externalId", "sourceIdentity", "serialNumber", "policy"):
            number = len(records) + 1
            hidden = [{"key": "k", "value": text}] if place == "tags" else text
            records.append(
                event(
                    number,
                    eventName="AssumeRole",
                    eventSource="sts.amazonaws.com",
                    requestParameters={
                        place: hidden,
                        "roleArn": f"arn:aws:iam::111122223333:role/R{number}",
                        "roleSessionName": f"s{number}",
                    },
                )
            )
    rolecall.refresh(write_log(records))
    found = rolecall.query("select requested_role_arn, requested_session_name from identity_events")
    assert sorted(found) == sorted(
        (f"arn:aws:iam::111122223333:role/R{number}", f"s{number}")
        for number in range(1, len(records) + 1)
    )
    assert b"LEAK" not in _bytes(rolecall)


def test_ids_with_secrets_stay_apart_and_the_same(rolecall: Rolecall, write_log: WriteLog) -> None:
    ids = ({"password": "LEAK1"}, {"password": "LEAK2"}, "token=LEAK1", {"password": "LEAK1"})
    logs = write_log([event(1, eventID=each, sharedEventID=each) for each in ids])
    text = rolecall.refresh(logs)
    assert "3 new events" in text
    found = rolecall.query("select event_id, shared_event_id from events")
    assert [each for each, shared in found if each != shared or len(each) != 64] == []
    assert "Nothing new to load." in rolecall.refresh(logs)
    assert b"LEAK" not in _bytes(rolecall)


def test_the_problem_of_a_file_keeps_no_secret(rolecall: Rolecall, write_log: WriteLog) -> None:
    logs = write_log([event(1)])
    key = "-----BEGIN PRIVATE KEY-----LEAK"
    _write_other(logs, {"password=LEAK": 1, "https://u:LEAK@h": 1, key: 1})
    rolecall.refresh(logs)
    ((problem,),) = rolecall.query("select problem from log_files where problem is not null")
    assert problem.endswith("its first object has the keys password..., https..., REDACTED")
    assert b"LEAK" not in _bytes(rolecall)


def test_a_database_of_an_older_version_is_cleaned_by_its_next_refresh(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    first = event(1, requestParameters={"a": "b"}, errorMessage="none")
    logs = write_log([first, event(2), first | {"errorMessage": "other"}])
    _write_other(logs, {"a": 1})
    rolecall.refresh(logs)
    assert rolecall.query("select count(*) from event_conflicts") == [(1,)]
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute(
            """
            update events
            set
                event_id = '{"password":"LEAK"}',
                request_parameters = '{"dbPassword":"LEAK"}',
                error_message = 'token=LEAK',
                user_name = 'password=ab,LEAK',
                tls_host_header = 'eve:LEAK@token=LEAK',
                resources = '[{"arn":"https://b/k?X-Amz-Security-Token=LEAK"}]'
            where request_parameters is not null
            """
        )
        connection.execute(
            "update event_conflicts set error_code = 'password=LEAK',"
            ' event_id = \'{"password":"LEAK"}\''
        )
        connection.execute(
            "update log_reads set problem = 'the key password=LEAK' where problem is not null"
        )
        connection.execute("update rolecall_schema set version = 5")
        assert b"LEAK" in _bytes(rolecall)
    rolecall.refresh(write_log([event(3)], day="2026/03/02", name="new.json.gz"))
    assert rolecall.query(
        """
        select
            length(event_id), request_parameters, error_message, user_name, tls_host_header,
            resources
        from events where request_parameters is not null
        """
    ) == [
        (
            *(64, '{"dbPassword":"REDACTED"}', "token=REDACTED", "password=REDACTED"),
            "REDACTED@token=REDACTED",
            '[{"arn":"https://b/k?X-Amz-Security-Token=REDACTED"}]',
        )
    ]
    assert rolecall.query("select error_code, length(event_id) from event_conflicts") == [
        ("password=REDACTED", 64)
    ]
    assert ("the key password=REDACTED",) in rolecall.query("select problem from log_reads")
    assert rolecall.query("select count(*) from events") == [(3,)]
    assert b"LEAK" not in _bytes(rolecall)


def test_what_reads_logs_takes_no_notice_of_what_the_linter_is_told(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1, requestParameters={"dbPassword": "LEAK"})])
    rolecall.dbt(
        *("run", "--select", "stg_cloudtrail__events"),
        *("--vars", "{is_linted: true}"),
        ROLECALL_LOGS=str(logs),
    )
    assert rolecall.query("select request_parameters from stg_cloudtrail__events") == [
        ('{"dbPassword":"REDACTED"}',)
    ]


def _write_other(logs: Path, content: dict[str, int]) -> None:
    """Write a file that is named like a log, and is not one."""
    folder = logs / "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01"
    folder.mkdir(parents=True, exist_ok=True)
    name = "111122223333_CloudTrail_us-east-1_20260301T0000Z_a.json"
    (folder / name).write_text(json.dumps(content))


def _bytes(rolecall: Rolecall) -> bytes:
    """Return the database's bytes: short texts stand in them as they are."""
    files = rolecall.database.parent.glob(f"{rolecall.database.name}*")
    return b"".join(file.read_bytes() for file in files if file.is_file())
