"""Reading records out of the text of a log file."""

from __future__ import annotations

import json

import pytest

from rolecall.log_records import UnreadableLogError, parse_records

RECORD = {"eventID": "e1", "eventTime": "2026-03-01T00:00:00Z"}


def _records(text: str | bytes) -> list[object]:
    body = text.encode() if isinstance(text, str) else text
    return [json.loads(bytes(record)) for record in parse_records(body)]


LOOKED_UP = {"Events": [{"EventId": "e1", "CloudTrailEvent": json.dumps(RECORD)}], "NextToken": "t"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"Records": [RECORD]}),
        json.dumps({"Records": [RECORD]}, indent=4),
        json.dumps([RECORD]),
        json.dumps([RECORD], indent=4),
        json.dumps(RECORD),
        json.dumps(RECORD, indent=4),
        json.dumps(RECORD) + "\n",
        json.dumps(LOOKED_UP),
        json.dumps(LOOKED_UP, indent=4),
        json.dumps([json.dumps(RECORD)]),
        json.dumps({"Records": [RECORD]}).encode("utf-8-sig"),
        json.dumps(LOOKED_UP).encode("utf-16"),
    ],
)
def test_every_shape_of_a_log_gives_its_record(text: str | bytes) -> None:
    assert _records(text) == [RECORD]


def test_newline_delimited_records_are_read() -> None:
    other = RECORD | {"eventID": "e2"}
    assert _records(f"{json.dumps(RECORD)}\n\n{json.dumps(other)}\n") == [RECORD, other]
    lines = f"{json.dumps({'Records': [RECORD]})}\r\n{json.dumps([other])}\r\n"
    assert _records(lines) == [RECORD, other]


def test_an_empty_list_is_no_problem() -> None:
    assert _records('{"Records": []}') == []
    assert _records("[]") == []
    assert _records('{"Events": []}') == []


def test_what_is_no_object_is_handed_on_to_be_counted() -> None:
    assert _records('{"Records": [1, null, "x", {"eventID": "e1"}]}') == [
        1,
        None,
        "x",
        {"eventID": "e1"},
    ]
    assert _records('{"eventID": "e1"}\n{"not-an-event": true}\n17\n') == [
        {"eventID": "e1"},
        {"not-an-event": True},
        17,
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the file is empty (zero bytes)"),
        (b" \n ", "the file is empty (zero bytes)"),
        (b"hello", "the file is not JSON: invalid character (byte 0)"),
        (b'{"Records": [{"a": 1}', "the file is not JSON: input data was truncated"),
        (b'{"Records": [{"a": 1}]} tail', "the file is not JSON: trailing characters (byte 25)"),
        (b'{"Records": null}', "Records is not a list of records"),
        (b'{"Records": {}}', "Records is not a list of records"),
        (b'{"Records": "x"}', "Records is not a list of records"),
        (b'{"records": []}', "the file has no list of Records"),
        (b"{}", "the file has no list of Records"),
        (b"17", "the file has no list of Records"),
        (b'{"Records": [{"a": NaN}]}', "the file is not JSON: invalid character (byte 19)"),
        (b'{"Records": [{"a": "\x01"}]}', "the file is not JSON: invalid character (byte 20)"),
        (
            b'{"eventID": "e1"}\n{"eventID": "e2"',
            "line 2: the file is not JSON: input data was truncated",
        ),
    ],
)
def test_what_is_no_log_is_unreadable(body: bytes, problem: str) -> None:
    with pytest.raises(UnreadableLogError) as raised:
        parse_records(body)
    assert str(raised.value) == problem


def test_bytes_that_are_no_utf8_are_unreadable() -> None:
    with pytest.raises(UnreadableLogError, match="the file is not UTF-8"):
        parse_records(b'{"Records": [{"a": "\xff"}]}')


def test_a_lone_surrogate_does_not_cost_the_file() -> None:
    body = rb'{"Records": [{"a": "\ud800x"}, {"b": "\ud83d\ude00"}, {"c": "\\ud800"}]}'
    assert _records(body) == [{"a": "\ufffdx"}, {"b": "\U0001f600"}, {"c": "\\ud800"}]


def test_deep_nesting_does_not_cost_the_file() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    first, second = parse_records(
        b'{"x": {"Records": 1}, "Records": [{"a": ' + deep + b'}, {"b": ",}"}]}'
    )
    assert bytes(first) == b'{"a": ' + deep + b"}"
    assert json.loads(bytes(second)) == {"b": ",}"}
    with pytest.raises(UnreadableLogError, match="truncated"):
        parse_records(b'{"Records": [{"a": ' + deep[:-5])
