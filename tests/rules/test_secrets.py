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

from local_athena.account import Account
from support.command_line import Rolecall
from support.logs import WriteLog, event
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


def test_what_is_no_secret_stays(redacted_sql: str) -> None:
    texts = harmless_texts()
    left = _left_on_duckdb(redacted_sql, texts)
    assert [pair for pair in zip(texts, left, strict=True) if pair[0] != pair[1]] == []


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


def test_a_database_of_an_older_version_is_cleaned_by_its_next_refresh(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1, requestParameters={"a": "b"}, errorMessage="none"), event(2)])
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute(
            """
            update events
            set request_parameters = '{"dbPassword":"LEAK"}', error_message = 'token=LEAK'
            where request_parameters is not null
            """
        )
        connection.execute("update rolecall_schema set version = 3")
        assert b"LEAK" in _bytes(rolecall)
    rolecall.refresh(logs)
    assert rolecall.query(
        "select request_parameters, error_message from events where request_parameters is not null"
    ) == [('{"dbPassword":"REDACTED"}', "token=REDACTED")]
    assert rolecall.query("select count(*) from events") == [(2,)]
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


def _bytes(rolecall: Rolecall) -> bytes:
    """Return the database's bytes: short texts stand in them as they are."""
    files = rolecall.database.parent.glob(f"{rolecall.database.name}*")
    return b"".join(file.read_bytes() for file in files if file.is_file())
