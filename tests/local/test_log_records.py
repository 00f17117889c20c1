"""Reading records out of the text of a log file."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.log_records import Look, look_of, parse_records

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


OTHER = RECORD | {"eventID": "e2"}
BOTH = [RECORD, OTHER]


def _text(value: object) -> str:
    return json.dumps(value)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=4)


def _looked_up(record: dict[str, str]) -> dict[str, object]:
    """Return an event as lookup-events gives it; boto3 has its time as no JSON has it."""
    return {
        "EventId": record["eventID"],
        "EventName": "AssumeRole",
        "EventTime": 1772323200.0 if record is RECORD else "2026-03-01 00:00:00+00:00",
        "Resources": [{"ResourceType": "AWS::IAM::Role", "ResourceName": "Ops"}],
        "CloudTrailEvent": _text(record),
    }


PAGES = [{"Events": [_looked_up(record)], "NextToken": "t"} for record in BOTH]
ROW = "EVENTS\tAKIAEXAMPLE\t{}\te1\tAssumeRole\tsts.amazonaws.com\tfalse\tzed\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_text({"Events": [_looked_up(record) for record in BOTH]}), id="as printed"),
        pytest.param("\n".join(map(_pretty, PAGES)), id="pages one after another"),
        pytest.param(_text(PAGES), id="list of pages"),
        pytest.param(_text([_looked_up(record) for record in BOTH]), id="Events"),
        pytest.param(_text(_looked_up(RECORD)) + _text(_looked_up(OTHER)), id="jq -cj .Events[]"),
        pytest.param("\n".join(_text(_looked_up(one)) for one in BOTH), id="event a line"),
        pytest.param(_text(list(map(_text, BOTH))), id="Events[].CloudTrailEvent"),
        pytest.param(_pretty([[_text(one)] for one in BOTH]), id="Events[].[CloudTrailEvent]"),
        pytest.param(
            _text([["2026-03-01", [{"ResourceName": "Ops"}], None, _text(one)] for one in BOTH]),
            id="Events[].[EventTime, Resources, Username, CloudTrailEvent]",
        ),
        pytest.param(
            _pretty([{"Time": 1.5, "Event": _text(one), "Who": None} for one in BOTH]),
            id="Events[].{Time: EventTime, Event: CloudTrailEvent, Who: Username}",
        ),
        pytest.param("\n".join(_text(_text(one)) for one in BOTH), id="quoted text a line"),
        pytest.param("\r\n".join(map(_text, BOTH)) + "\r\n", id="text a line"),
        pytest.param("\t".join(map(_text, BOTH)) + "\n", id="text: CloudTrailEvent"),
        pytest.param(
            f"2026-03-01T00:00:00+00:00\tAssumeRole\t{_text(RECORD)}\n"
            f"2026-03-01T00:00:00+00:00\tAssumeRole\t{_text(OTHER)}\n",
            id="text: EventTime, EventName, CloudTrailEvent",
        ),
        pytest.param(
            f"{_text(RECORD)}\tAssumeRole\n{_text(OTHER)}\tAssumeRole\n",
            id="text: CloudTrailEvent, EventName",
        ),
        pytest.param(
            ROW.format(_text(RECORD))
            + "RESOURCES\tOps\tAWS::IAM::Role\n"
            + ROW.format(_text(OTHER))
            + "NEXTTOKEN\tt\n",
            id="text: all",
        ),
        pytest.param(
            f"f/1\tb/1\nEVENTS\t1\t{_text(RECORD)}\t1\nEVENTS\t2\t{_text(OTHER)}\t2\n",
            id="text: get-log-events",
        ),
        pytest.param(
            _text({"Events": [{"CloudTrailEvent": one} for one in BOTH]}), id="jq |= fromjson"
        ),
    ],
)
def test_every_shape_of_lookup_events_gives_its_records(text: str) -> None:
    assert _records(text) == BOTH


def _yaml(value: object, **options: Any) -> str:
    text: str = yaml.safe_dump(value, **options)
    return text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_yaml({"Events": [_looked_up(one) for one in BOTH]}), id="yaml"),
        pytest.param(_yaml(PAGES), id="yaml-stream"),
        pytest.param("".join(_yaml([page], width=9999) for page in PAGES), id="page after page"),
        pytest.param("---\n".join(map(_yaml, PAGES)), id="documents"),
        pytest.param(_yaml([_looked_up(one) for one in BOTH]), id="Events[]"),
        pytest.param(_yaml(list(map(_text, BOTH))), id="Events[].CloudTrailEvent"),
        pytest.param(_yaml([[_text(one)] for one in BOTH]), id="Events[].[CloudTrailEvent]"),
        pytest.param(_yaml([{"Event": _text(one)} for one in BOTH]), id="Events[].{Event: ...}"),
    ],
)
def test_every_shape_of_lookup_events_as_yaml_gives_its_records(text: str) -> None:
    assert _records(text) == BOTH
    assert look_of(text.encode()) is Look.LOG


def test_yaml_of_no_events_is_empty() -> None:
    assert _records("Events: []\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "Events:\n- &a\n  EventId: e1\n- *a\n",
        "Events:\n- &a e1\n",
        "Events: " + "[" * 100 + "]" * 100,
        "Events: [",
        "Events:\n- ? [1]\n  : 2\n",
    ],
)
def test_other_yaml_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableLogError, match="the file is not JSON"):
        parse_records(text.encode())


def test_a_table_is_unreadable_and_its_message_says_what_to_print() -> None:
    table = "-" * 20 + "\n|   LookupEvents   |\n+" + "-" * 18 + "+\n"
    with pytest.raises(UnreadableLogError, match="print it with --output json"):
        parse_records(table.encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n\n".join(map(_text, BOTH)) + "\n", id="lines"),
        pytest.param("".join(map(_text, BOTH)), id="on one line"),
        pytest.param("\n".join(map(_pretty, BOTH)), id="printed over lines"),
        pytest.param(f"{_text({'Records': [RECORD]})}\r\n{_text([OTHER])}\r\n", id="two kinds"),
        pytest.param(_pretty({"Records": [RECORD]}) + _text(_looked_up(OTHER)), id="and a third"),
        pytest.param(_text([{"Records": [RECORD]}, {"Records": [OTHER]}]), id="jq -s"),
        pytest.param(_text([[RECORD], [OTHER]]), id="jq -s of lists"),
        pytest.param("\ufeff" + "\n\ufeff".join(map(_text, BOTH)), id="with byte order marks"),
        pytest.param("".join(f"\x1e{_text(one)}\n" for one in BOTH), id="jq --seq"),
    ],
)
def test_documents_one_after_another_are_read(text: str) -> None:
    assert _records(text) == BOTH


RECORDS = st.dictionaries(
    st.text(max_size=3), st.text() | st.integers() | st.lists(st.none() | st.text()), max_size=3
).map(lambda members: {**members, "eventID": "e1"})


@given(
    st.lists(
        st.tuples(
            RECORDS,
            st.sampled_from([None, 0, 2]),
            st.booleans(),
            st.sampled_from(["", "\n", " ", "\t", "\r\n\r\n", "\ufeff"]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_no_way_to_print_documents_loses_a_record(
    printed: list[tuple[dict[str, object], int | None, bool, str]],
) -> None:
    text = "".join(
        json.dumps(record, indent=indent, ensure_ascii=is_ascii) + space
        for record, indent, is_ascii, space in printed
    )
    assert _records(text) == [record for record, *_ in printed]


def _bridged(
    record: dict[str, str], kind: str = "AWS API Call via CloudTrail"
) -> dict[str, object]:
    return {"detail-type": kind, "source": "aws.sts", "account": "111122223333", "detail": record}


OF_ACCOUNT = [record | {"recipientAccountId": "111122223333"} for record in BOTH]


def test_records_are_taken_out_of_what_eventbridge_hands_on() -> None:
    """With the account that it says, if they have none of their own."""
    sign_in = "AWS Console Sign In via CloudTrail"
    events = [_bridged(RECORD), _bridged(OTHER, sign_in)]
    assert _records("".join(map(_text, events))) == OF_ACCOUNT
    of_other = RECORD | {"recipientAccountId": "444455556666"}
    assert _records(_text(_bridged(of_other, "AWS Service Event via CloudTrail"))) == [of_other]
    insight = _bridged(RECORD, "AWS Insight via CloudTrail")
    assert _records(_text([_bridged(RECORD), insight])) == [OF_ACCOUNT[0], insight]
    for kind in ("AWS Insight via CloudTrail", "EC2 Instance State-change Notification"):
        with pytest.raises(UnreadableLogError, match="has the keys detail-type, source, account"):
            parse_records(_text(_bridged(RECORD, kind)).encode())


CONTROL = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "".join(f"2026-03-01T00:00:00.000Z {_text(one)}\n" for one in BOTH), id="export"
        ),
        pytest.param(
            "".join(
                f"2026-03-01T00:00:00.000000+00:00 111122223333_CloudTrail_us-east-1 {_text(one)}\n"
                for one in BOTH
            ),
            id="aws logs tail",
        ),
        pytest.param(
            "".join(f"2026-03-01T00:00:00 {_pretty(one)}\n" for one in BOTH), id="--format json"
        ),
        pytest.param(
            _pretty({"events": [{"timestamp": 1, "message": _text(one)} for one in BOTH]}),
            id="get-log-events",
        ),
        pytest.param(
            "\n".join(_text({"timestamp": 1, "message": _text(one)}) for one in BOTH),
            id="jq .events[]",
        ),
        pytest.param(
            _text(CONTROL)
            + "".join(
                _text({"messageType": "DATA_MESSAGE", "logEvents": [{"message": _text(one)}]})
                for one in BOTH
            ),
            id="subscription",
        ),
    ],
)
def test_records_are_taken_out_of_what_cloudwatch_logs_gives(text: str) -> None:
    assert _records(text) == BOTH


def test_records_are_taken_out_of_envelopes_in_each_other() -> None:
    message = {"logEvents": [{"message": _text(_bridged(record))} for record in BOTH]}
    assert _records(_text([message])) == OF_ACCOUNT
    deep: object = _text(RECORD)
    for _ in range(9):
        deep = {"message": deep}
    with pytest.raises(UnreadableLogError, match="its first object has the key message"):
        parse_records(_text(deep).encode())


def test_what_is_not_a_record_beside_one_is_counted() -> None:
    lines = [RECORD, {"message": "started", "level": 3}, "text", None]
    assert _records("\n".join(map(_text, lines))) == lines
    assert _records(_text(lines)) == lines
    # A row of a query is one event, whatever else is in its cells.
    assert _records(_text([["text", RECORD, None, {"a": 1}]])) == [RECORD, {"a": 1}]


def test_an_object_that_quotes_no_record_is_not_a_record() -> None:
    quoting = {"Time": 1, "Event": _text({"a": 1}), "Note": "{", "Text": '{"eventID": '}
    assert _records(_text([RECORD, quoting])) == [RECORD, quoting]
    with pytest.raises(UnreadableLogError, match="has the keys Time, Event, Note, Text"):
        parse_records(_text([quoting]).encode())


def test_an_empty_list_is_not_a_problem() -> None:
    assert _records('{"Records": []}') == []
    assert _records("[]") == []
    assert _records('{"Events": []}') == []


def test_what_is_not_an_object_is_handed_on_to_be_counted() -> None:
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
        (
            b'{"records": []}',
            "the file has no list of Records; its first object has the key records",
        ),
        (
            b'[{"_index": "logs", "_source": {"eventID": "e1"}}]',
            "the file has no list of Records; its first object has the keys _index, _source",
        ),
        (b"[17]", "the file has no list of Records"),
        (b'"text"', "the file has no list of Records"),
        (b"2026-03-01T00:00:00Z started", "the file is not JSON: trailing characters (byte 5)"),
        (b"EVENTS\tAKIAEXAMPLE\t", "the file is not JSON: invalid character (byte 0)"),
        (b'{"eventID": "e1"}\tx\n\t"y', "the file is not JSON: trailing characters (byte 19)"),
        (
            b'{"eventID": "e1"}\n{"eventID": x}',
            "line 2: the file is not JSON: invalid character (byte 30)",
        ),
        (b'{"eventID": "e1"}\n\nx', "line 3: the file is not JSON: trailing characters (byte 20)"),
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
def test_what_is_not_a_log_is_unreadable(body: bytes, problem: str) -> None:
    with pytest.raises(UnreadableLogError) as raised:
        parse_records(body)
    assert str(raised.value) == problem


def test_bytes_that_are_not_utf8_are_unreadable() -> None:
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


def test_what_a_file_looks_like_is_told_in_few_letters_that_can_be_printed() -> None:
    keys = ["\x1b[31m", "k" * 90, *map(str, range(20))]
    with pytest.raises(UnreadableLogError) as raised:
        parse_records(json.dumps(dict.fromkeys(keys)).encode())
    assert str(raised.value) == (
        "the file has no list of Records; its first object has the keys \ufffd[31m,"
        f" {'k' * 40}..., 0, 1, 2, 3, 4, 5 and 14 more"
    )


DEEP = b"[" * 5000 + b"]" * 5000


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": ' + DEEP + rb', "\q": 1}',
        b'{"a": ' + DEEP + b", [1]: 2}",
        b'{"a": ' + DEEP[:-9] + rb"\"\"\"\"",
    ],
)
def test_deep_nesting_before_a_fault_is_a_problem_like_another(body: bytes) -> None:
    with pytest.raises(UnreadableLogError, match="the file is not JSON"):
        parse_records(b'{"eventID": "e1"}\n' + body)


def test_deep_nesting_costs_no_other_document() -> None:
    deep = b'{"eventID": "e1", "deep": ' + DEEP + b"}"
    event = b'{"x": ' + DEEP + b', "CloudTrailEvent": "{\\"eventID\\": \\"e2\\"}"}'
    first, second, third = parse_records(deep + b"\n" + event + json.dumps(RECORD).encode())
    assert (bytes(first).rstrip(), bytes(second)) == (deep, b'{"eventID": "e2"}')
    assert json.loads(bytes(third)) == RECORD


@pytest.mark.parametrize(
    ("head", "look"),
    [
        (b'{"Records":[', Look.LOG),
        (b'\xef\xbb\xbf\n{"Events": [', Look.LOG),
        (b'{"eventVersion": "1.11", "cut', Look.LOG),
        (json.dumps(json.dumps(RECORD)).encode(), Look.LOG),
        (json.dumps({"message": json.dumps(_bridged(RECORD))}).encode(), Look.LOG),
        (b'2026-03-01T00:00:00.000Z {"eventVersion": "1.11"', Look.LOG),
        (ROW.format(_text(RECORD)).encode(), Look.LOG),
        (_text({"_source": RECORD}).encode(), Look.LOG),
        (b'{"name": "eventVersion", "is": 1}', Look.OTHER_JSON),
        (b'[\n {"name": "x"}]', Look.OTHER_JSON),
        (b'{"name', Look.OTHER),
        (b"{}", Look.OTHER),
        (b"[1, 2]", Look.OTHER),
        (b'print({"eventVersion": 1})', Look.OTHER),
        (b"\x00\x01", Look.OTHER),
        (b"", Look.OTHER),
    ],
)
def test_the_first_bytes_tell_what_a_file_looks_like(head: bytes, look: Look) -> None:
    """What holds CloudTrail's records in an unknown envelope is a log: its problem is named."""
    assert look_of(head) is look
