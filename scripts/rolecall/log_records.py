"""The records in the text of a log file, in whatever shape somebody kept them.

CloudTrail's own shape is ``{"Records": [...]}``. Others come from AWS's tools, by their published
output: ``aws cloudtrail lookup-events`` (CloudTrail API Reference, "LookupEvents"), what
EventBridge hands on (its User Guide, "AWS service events delivered via CloudTrail"), and exports
and subscriptions of CloudWatch Logs (its User Guide, "Exporting log data to Amazon S3" and
"Subscriptions"). What a record means is said in SQL, under ``models/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import TypeVar

import msgspec

Record = bytes | msgspec.Raw
_T = TypeVar("_T")

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A JSON object is taken for a record if it has any of these.
_RECORD_KEYS = frozenset(("eventID", "eventTime", "eventName", "eventVersion", "userIdentity"))
# A page has events, of which one has a message, which is an EventBridge event, which has a record.
_DEEPEST_ENVELOPE = 5
_KEYS_SHOWN = 8
_KEY_LENGTH_SHOWN = 40

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# A quote alone begins a string that does not end.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_TRAILING = re.compile(r"trailing characters \(byte (?P<byte>\d+)\)")
_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)")
_ACCOUNT = re.compile(rb'"\d{12}"')

# What stands between documents: `jq --seq` begins each with a mark, editors with that of UTF-8.
_SPACE = rb"(?:[ \t\r\n\x1e]|\xef\xbb\xbf)*+"
# An exported line of CloudWatch Logs; `aws logs tail` puts the stream's name behind the time.
_TIME_STAMP = (
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[ \t]++"
    rb"(?:[^\s{]\S{0,511}[ \t]++)?"
)
_BEFORE_DOCUMENT = re.compile(rb"%b(?:%b(?=\{))?" % (_SPACE, _TIME_STAMP))

# How the text of a log begins: with a document, a line of one, or a row with one among its cells.
_BEGINNING = re.compile(
    rb'%b(?:\{|\[|"\s*\{|%b\{|EVENTS\t|[^\n{]{1,4096}\t\{)' % (_SPACE, _TIME_STAMP)
)
_OTHER_BEGINNING = re.compile(rb'%b(?:\[\s*)*+\{\s*"(?:[^"\\]++|\\.)*+"\s*:' % _SPACE)
_CLOUDTRAIL_MEMBER = re.compile(
    rb'"(?:Records|Events)"\s*:\s*\['
    rb'|\\*+"(?:%b)\\*+"\s*:' % "|".join((*_RECORD_KEYS, "eventSource", "CloudTrailEvent")).encode()
)


class UnreadableLogError(Exception):
    """A log file that cannot be read; its message is the ``problem`` that is recorded."""


class _NotJsonError(UnreadableLogError):
    """The text is no sequence of JSON documents."""


class _NoRecordError(UnreadableLogError):
    """It is JSON, but neither a record nor anything known to hold some."""


class Look(Enum):
    """What a file looks like by its first bytes."""

    LOG = auto()
    OTHER_JSON = auto()
    OTHER = auto()


def look_of(head: bytes) -> Look:
    """Return what a file looks like that begins with ``head``, the first bytes of its text.

    Other JSON has members, and none that a record or lookup-events has.
    """
    if head.startswith(_UTF16_BOMS):
        head = head.decode("utf-16", "ignore").encode()
    if _BEGINNING.match(head) and _CLOUDTRAIL_MEMBER.search(head):
        return Look.LOG
    return Look.OTHER_JSON if _OTHER_BEGINNING.match(head) else Look.OTHER


def parse_records(body: bytes) -> list[Record]:
    """Return the records in the text of a log file, each as the JSON text that was logged (UTF-8).

    It may be any number of JSON documents, one a line or printed over several: CloudTrail's
    ``{"Records": [...]}``, arrays of records, single ones, what ``aws cloudtrail lookup-events``
    prints, and the envelopes of EventBridge and CloudWatch Logs. What is no record beside some is
    returned too, so that it can be counted. Raises UnreadableLogError.
    """
    text = _as_utf8(body)
    if not text.strip():
        raise UnreadableLogError("the file is empty (zero bytes)")
    try:
        return list(_trail_decoder.decode(text).Records)
    except (msgspec.MsgspecError, RecursionError):
        text = _without_lone_surrogates(text)
    try:
        return _records_of_each(_documents(text))
    except _NotJsonError:
        if b"\t" in text:
            with suppress(_NotJsonError):
                return _records_of_each(_cells(text))
        raise


class _Trail(msgspec.Struct):
    Records: list[msgspec.Raw]


_trail_decoder = msgspec.json.Decoder(_Trail)
_document_decoder = msgspec.json.Decoder(msgspec.Raw)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)


def _documents(text: bytes) -> Iterator[bytes]:
    """Yield the JSON documents that follow on each other in ``text``, without time stamps."""
    start = _next_start(text, 0)
    is_first = True
    while start < len(text):
        try:
            end = _document_end(text, start)
        except _NotJsonError as error:
            if is_first:
                raise
            begins_none = text[start : start + 1] not in b'{["'
            trails = _not_json(f"trailing characters (byte {start + 1})")
            problem = trails if begins_none else error
            line = text.count(b"\n", 0, start) + 1
            raise _NotJsonError(f"line {line}: {problem}" if line > 1 else str(problem)) from None
        yield text[start:end]
        start = _next_start(text, end)
        is_first = False


def _next_start(text: bytes, position: int) -> int:
    before = _BEFORE_DOCUMENT.match(text, position)
    return before.end() if before else position  # it matches nothing too


def _document_end(text: bytes, start: int) -> int:
    """Return where the document ends that begins at ``start``, or the space behind it."""
    try:
        _document_decoder.decode(memoryview(text)[start:])
    except RecursionError:
        return _deep_document_end(text, start)
    except msgspec.DecodeError as error:
        reason = str(error)
        if trailing := _TRAILING.search(reason):
            return start + int(trailing["byte"]) - 1  # it counts the first byte that trails
        reason = _BYTE.sub(lambda at: f"(byte {start + int(at['byte'])})", reason)
        raise _not_json(reason) from None
    return len(text)


def _deep_document_end(text: bytes, start: int) -> int:
    """Return the same for a document that is nested too deeply for the decoder."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += _DEEPER.get(token[0], 0)
        if depth == 0:
            return token.end()
        if token[0] == b'"':
            break
    raise _not_json("input data was truncated")


def _cells(text: bytes) -> Iterator[bytes]:
    """Yield the JSON objects among the cells of ``--output text``: rows, parted by tabs.

    Rows of resources and tokens have none, and no quote that a piece of a record would have.
    """
    has_any = False
    for line in text.splitlines():
        objects = [cell for cell in map(bytes.strip, line.split(b"\t")) if cell.startswith(b"{")]
        if not objects and b'"' in line:
            raise _not_json("a row has a piece of a record")
        yield from objects
        has_any = has_any or bool(objects)
    if not has_any:
        raise _not_json("no row has a record")


def _records_of_each(parts: Iterable[Record], depth: int = 0) -> list[Record]:
    """Return the records of all ``parts``; a part that is none stays as it is, to be counted.

    Raises _NoRecordError if none of them is or has any.
    """
    records: list[Record] = []
    problem: _NoRecordError | None = None
    has_any = False
    for part in parts:
        try:
            records += _records_of(part, depth)
            has_any = True
        except _NoRecordError as error:
            problem = problem or error
            records.append(part)
    if problem and not has_any:
        raise problem
    return records


def _records_of(text: Record, depth: int) -> list[Record]:
    """Return the records of one JSON value of any shape that is understood."""
    start = _first_byte(text)
    if depth > _DEEPEST_ENVELOPE or start not in b'{["':
        raise _NoRecordError("the file has no list of Records")
    if start == b'"':
        return _records_of_quoted(text, depth + 1)
    if start == b"[":
        elements = _elements(text)
        return _records_of_row(elements, depth) if depth else _records_of_each(elements, 1)
    members = _members(text)
    if "Records" in members:
        return _elements(members["Records"], "Records")
    if "Events" in members:
        return _records_of_each(_elements(members["Events"], "Events"), depth + 1)
    if not _RECORD_KEYS.isdisjoint(members):
        return [text]
    return _records_in_envelope(members, depth + 1)


def _records_in_envelope(members: dict[str, Record], depth: int) -> list[Record]:
    """Return the records in an object of lookup-events, EventBridge or CloudWatch Logs."""
    if "CloudTrailEvent" in members:
        return [_unquoted(members["CloudTrailEvent"])]
    if "detail" in members and _is_cloudtrail(members.get("detail-type")):
        return [_of_account(members["detail"], members.get("account"))]
    for name in ("logEvents", "events"):
        if name in members:
            if _unquoted(members.get("messageType", b"")) == b"CONTROL_MESSAGE":
                return []
            return _records_of_each(_elements(members[name], name), depth)
    if "message" in members:
        with_keys = _no_record(members)
        try:
            return _records_of(members["message"], depth)
        except _NoRecordError:
            raise with_keys from None
    raise _no_record(members)


def _records_of_quoted(text: Record, depth: int) -> list[Record]:
    """Return the records of the JSON text that ``text`` quotes."""
    try:
        return _records_of(_unquoted(text).strip(), depth)
    except _NotJsonError:
        raise _NoRecordError("the file has no list of Records") from None


def _records_of_row(cells: list[Record], depth: int) -> list[Record]:
    """Return the records of a list in a list, as a query of several columns prints it."""
    records = _records_of_each(cells, depth + 1)
    return [record for record in records if _first_byte(record) == b"{"]


def _is_cloudtrail(detail_type: Record | None) -> bool:
    """Return whether EventBridge says that an event's detail is a record of an event."""
    kind = _unquoted(detail_type or b"")
    return kind.endswith(b" via CloudTrail") and not kind.startswith(b"AWS Insight ")


def _of_account(record: Record, account: Record | None) -> Record:
    """Return ``record`` with the account of its envelope, if it has none of its own."""
    text = bytes(record)
    if account is None or not _ACCOUNT.fullmatch(bytes(account)) or not text.startswith(b"{"):
        return record
    if "recipientAccountId" in _members(text):
        return record
    return b'{"recipientAccountId":' + bytes(account) + b"," + text[1:]


def _no_record(members: dict[str, Record]) -> _NoRecordError:
    """Return the error for an object that is nothing known; it says what the object looks like."""
    problem = "the file has no list of Records"
    if not members:
        return _NoRecordError(problem)
    keys = [_shown(key) for key in list(members)[:_KEYS_SHOWN]]
    rest = f" and {len(members) - len(keys):,} more" if len(members) > len(keys) else ""
    noun = "key" if len(members) == 1 else "keys"
    return _NoRecordError(f"{problem}; its first object has the {noun} {', '.join(keys)}{rest}")


def _shown(key: str) -> str:
    """Return ``key`` as text that is short and harmless to print."""
    start = key[:_KEY_LENGTH_SHOWN]
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in start)
    return f"{text}..." if len(key) > _KEY_LENGTH_SHOWN else text


def _first_byte(text: Record) -> bytes:
    return memoryview(text)[:1].tobytes()


def _elements(text: Record, name: str = "the file") -> list[Record]:
    return list(
        _decoded(_list_decoder.decode, _split_list, text, f"{name} is not a list of records")
    )


def _members(text: Record) -> dict[str, Record]:
    return dict(
        _decoded(_object_decoder.decode, _split_object, text, "the file has no list of Records")
    )


def _decoded(
    decode: Callable[[Record], _T], split: Callable[[bytes], _T], text: Record, wrong_type: str
) -> _T:
    """Return ``text`` decoded one level deep; ``split`` serves where it is nested too deeply."""
    try:
        return decode(text)
    except msgspec.ValidationError:
        raise _NoRecordError(wrong_type) from None
    except msgspec.DecodeError as error:
        raise _not_json(str(error)) from None
    except RecursionError:
        return split(bytes(text))


def _not_json(reason: str) -> _NotJsonError:
    reason = reason.removeprefix("JSON is malformed: ")
    return _NotJsonError(f"the file is not JSON: {reason[:1].lower()}{reason[1:]}")


def _split_list(text: bytes) -> list[Record]:
    return [part.strip() for part in _parts(text) if part.strip()]


def _split_object(text: bytes) -> dict[str, Record]:
    members: dict[str, Record] = {}
    for part in _parts(text):
        key = _TOKEN.search(part)
        if key is not None:
            try:
                name = _text_decoder.decode(key[0])
            except msgspec.MsgspecError as error:
                raise _not_json(str(error)) from None
            members[name] = part[key.end() :].lstrip(b" \t\r\n:")
    return members


def _parts(text: bytes) -> Iterator[bytes]:
    """Yield what stands between the commas of the outermost list or object of ``text``."""
    depth = start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in b"[{":
            depth += 1
            if depth == 1:
                start = token.end()
        elif mark in b"]}":
            depth -= 1
            if depth == 0:
                yield text[start : token.start()]
        elif mark == b"," and depth == 1:
            yield text[start : token.start()]
            start = token.end()
        elif mark == b'"':
            break
    if depth:
        raise _not_json("input data was truncated")


def _unquoted(value: Record) -> bytes:
    """Return the text in ``value`` if it is a JSON string, else ``value``."""
    text = bytes(value)
    try:
        return _without_lone_surrogates(_text_decoder.decode(text).encode())
    except msgspec.MsgspecError:  # the decoder of documents lets wrong escapes pass
        return text


def _as_utf8(body: bytes) -> bytes:
    """Return ``body`` as UTF-8 without a byte order mark; PowerShell's ``>`` writes UTF-16."""
    try:
        if body.startswith(_UTF16_BOMS):
            return body.decode("utf-16").encode()
        text = body.removeprefix(_UTF8_BOM)
        if not text.isascii():
            str(text, "utf-8")  # msgspec does not look into records, and DuckDB fails late.
        return text
    except UnicodeError as error:
        raise UnreadableLogError(f"the file is not UTF-8: {error}") from None


def _without_lone_surrogates(text: bytes) -> bytes:
    r"""Return ``text`` with each ``\ud800`` that is no half of a pair replaced by ``\ufffd``."""
    if rb"\ud" not in text and rb"\uD" not in text:
        return text
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape["lone"] else escape[0], text)
