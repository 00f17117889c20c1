"""The records in the text of a log file, in whatever shape somebody kept them.

CloudTrail's own shape is ``{"Records": [...]}``. Others come from AWS's tools, by their published
output: ``aws cloudtrail lookup-events`` (CloudTrail API Reference, "LookupEvents"), what
EventBridge hands on (its User Guide, "AWS service events delivered via CloudTrail"), and exports
and subscriptions of CloudWatch Logs (its User Guide, "Exporting log data to Amazon S3" and
"Subscriptions"). What a record means is said in SQL, under ``models/``.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import TypeVar

import msgspec

Record = bytes | msgspec.Raw
_T = TypeVar("_T")

MAX_RECORD_BYTES = 1_000_000
"""The largest record that is loaded: CloudTrail's own limit is 256 KB (User Guide, "Quotas")."""

MAX_RECORDS = 1_000_000
"""How many records a log file may have: in memory each costs more than the shortest has bytes."""

_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A JSON object is taken for a record if it has any of these.
_RECORD_KEYS = frozenset(("eventID", "eventTime", "eventName", "eventVersion", "userIdentity"))
# A page has events, of which one has a message, which is an EventBridge event, which has a record.
_DEEPEST_ENVELOPE = 5
_KEYS_SHOWN = 8
_KEY_LENGTH_SHOWN = 40
# A quoted text with a record in it, escapes included: a longer one is a record that is too large.
_LONGEST_QUOTED = 8 * MAX_RECORD_BYTES
_PIECE_BYTES = 1 << 20
# A shorter part is cheaper as a copy than as a view of its file's text.
_VIEW_BYTES = 256
# Quotes, a comma and a little space; a key that is short enough may be read once too often.
_AROUND_VALUE = 16

# Half of a surrogate pair, or a whole one; an even number of backslashes escapes nothing.
_SURROGATE = re.compile(
    rb"(?<!\\)(?P<backslashes>\\++)"
    rb"(?:u[dD][89abAB][0-9a-fA-F]{2}(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    rb"|u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_LONE_SURROGATE = rb"\ufffd"
# A quote alone begins a string that does not end.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[\[{]++|[\]}]++', re.DOTALL)
_JSON_SPACE = re.compile(rb"[ \t\r\n]*+")
# A row that has anything of a record: others are passed over at once.
_ROW = re.compile(rb'(?:(?<=[\r\n])|\A)[^\r\n{"]*+[{"][^\r\n]*+')
_OBJECT_CELL = re.compile(rb"(?:(?<=[\t\r\n])|\A) *+(?P<object>\{[^\t\r\n]*+)")
_TRAILING = re.compile(r"trailing characters \(byte (?P<byte>\d+)\)")
_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)")
_ACCOUNT = re.compile(rb'"\d{12}"')
# What has one of these is no name: a value may stand behind it.
_BEFORE_VALUE = re.compile(r"[^=:@&%{\"'\n]*")

# What stands between documents: `jq --seq` begins each with a mark, editors with that of UTF-8.
# Runs of one class cost no memory, however many blank lines there are.
_SPACE = rb"[ \t\r\n\x1e]*+(?:\xef\xbb\xbf[ \t\r\n\x1e]*+)*+"
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


class Records(list[Record]):
    """The records of a log file.

    ``repeated_list_count`` of them are in an object that has several lists of them, of one name:
    other readers may see those of one list alone.
    """

    repeated_list_count = 0


def parse_records(body: bytes) -> Records:
    """Return the records in the text of a log file, each as the JSON text that was logged (UTF-8).

    It may be any number of JSON documents, one a line or printed over several: CloudTrail's
    ``{"Records": [...]}``, arrays of records, single ones, what ``aws cloudtrail lookup-events``
    prints, and the envelopes of EventBridge and CloudWatch Logs. What is no record beside some is
    returned too, so that it can be counted. Raises UnreadableLogError.
    """
    text = _as_utf8(body)
    if not text or text.isspace():
        raise UnreadableLogError("the file is empty (zero bytes)")
    if _has_few_parts(text):
        with suppress(msgspec.MsgspecError, RecursionError):
            trail = _trail_decoder.decode(text)
            if not trail.is_record and not _has_more(text, trail.records):
                return Records(trail.records)
    text = _without_lone_surrogates(text)
    try:
        return _records_of_each(_documents(text))
    except _NotJsonError:
        if b"\t" in text:
            with suppress(_NotJsonError):
                return _records_of_each(_cells(text))
        raise


class _Trail(
    msgspec.Struct,
    rename={
        "records": "Records",
        "event_id": "eventID",
        "event_time": "eventTime",
        "event_name": "eventName",
        "event_version": "eventVersion",
        "user_identity": "userIdentity",
    },
):
    """What CloudTrail writes, and what would make it a record that has such a member too."""

    records: list[msgspec.Raw]
    event_id: msgspec.Raw | None = None
    event_time: msgspec.Raw | None = None
    event_name: msgspec.Raw | None = None
    event_version: msgspec.Raw | None = None
    user_identity: msgspec.Raw | None = None

    @property
    def is_record(self) -> bool:
        members = (self.event_id, self.event_time, self.event_name)
        return any(
            member is not None for member in (*members, self.event_version, self.user_identity)
        )


_trail_decoder = msgspec.json.Decoder(_Trail)
_document_decoder = msgspec.json.Decoder(msgspec.Raw)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)


def _has_more(text: Record, values: Iterable[Record]) -> bool:
    """Return whether more is in a list or object than its ``values`` and what is around each."""
    around_bytes = len(memoryview(text)) - _AROUND_VALUE
    for value in values:
        around_bytes -= len(memoryview(value)) + _AROUND_VALUE
    return around_bytes > 0


def _has_few_parts(text: Record) -> bool:
    """Return whether no list or object in ``text`` can have more parts than a log has records."""
    view = memoryview(text)
    # A part has a comma and a letter at least.
    return len(view) <= 2 * MAX_RECORDS or _comma_count(view) < MAX_RECORDS


def _comma_count(view: memoryview) -> int:
    return sum(
        view[start : start + _PIECE_BYTES].tobytes().count(b",")
        for start in range(0, len(view), _PIECE_BYTES)
    )


def _part(text: memoryview) -> Record:
    """Return a part of a log's text; a long one stays where it is."""
    return text.tobytes() if len(text) < _VIEW_BYTES else msgspec.Raw(text)


def _documents(text: bytes) -> Iterator[Record]:
    """Yield the JSON documents that follow on each other in ``text``, without time stamps."""
    view = memoryview(text)
    start = _next_start(text, 0)
    is_first = True
    while start < len(text):
        try:
            end = _document_end(view, start)
        except _NotJsonError as error:
            if is_first:
                raise
            begins_none = text[start : start + 1] not in b'{["'
            trails = _not_json(f"trailing characters (byte {start + 1})")
            problem = trails if begins_none else error
            line = text.count(b"\n", 0, start) + 1
            raise _NotJsonError(f"line {line}: {problem}" if line > 1 else str(problem)) from None
        yield _part(view[start:end])
        start = _next_start(text, end)
        is_first = False


def _next_start(text: bytes, position: int) -> int:
    before = _BEFORE_DOCUMENT.match(text, position)
    return before.end() if before else position  # it matches nothing too


def _document_end(text: memoryview, start: int) -> int:
    """Return where the document ends that begins at ``start``, or the space behind it."""
    try:
        _document_decoder.decode(text[start:])
    except RecursionError:
        return _deep_document_end(text, start)
    except msgspec.DecodeError as error:
        reason = str(error)
        if trailing := _TRAILING.search(reason):
            return start + int(trailing["byte"]) - 1  # it counts the first byte that trails
        reason = _BYTE.sub(lambda at: f"(byte {start + int(at['byte'])})", reason)
        raise _not_json(reason) from None
    return len(text)


def _deep_document_end(text: memoryview, start: int) -> int:
    """Return the same for a document that is nested too deeply for the decoder."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        count = token.end() - token.start()
        match text[token.start()]:
            case 0x5B | 0x7B:  # [ and {
                depth += count
            case 0x5D | 0x7D:  # ] and }
                if depth <= count:
                    return token.start() + depth
                depth -= count
            case _ if count == 1:
                break
    raise _not_json("input data was truncated")


def _cells(text: bytes) -> Iterator[bytes]:
    """Yield the JSON objects among the cells of ``--output text``: rows, parted by tabs.

    Rows of resources and tokens have none, and no quote that a piece of a record would have.
    """
    has_any = False
    for row in _ROW.finditer(text):
        has_one = False
        for cell in _OBJECT_CELL.finditer(text, *row.span()):
            yield cell["object"].rstrip()
            has_any = has_one = True
        if not has_one and text.find(b'"', *row.span()) >= 0:
            raise _not_json("a row has a piece of a record")
    if not has_any:
        raise _not_json("no row has a record")


def _records_of_each(parts: Iterable[Record], depth: int = 0) -> Records:
    """Return the records of all ``parts``; a part that is none stays as it is, to be counted.

    Raises _NoRecordError if none of them is or has any, UnreadableLogError if there are too many.
    """
    records = Records()
    problem: _NoRecordError | None = None
    has_any = False
    for part in parts:
        try:
            found = _records_of(part, depth)
            records += found
            if isinstance(found, Records):
                records.repeated_list_count += found.repeated_list_count
            has_any = True
        except _NoRecordError as error:
            problem = problem or error
            records.append(part)
        _check_count(len(records))
    if problem and not has_any:
        raise problem
    return records


def _records_of(text: Record, depth: int) -> list[Record]:
    """Return the records of one JSON value of any shape that is understood."""
    start = _first_byte(text)
    if depth > _DEEPEST_ENVELOPE or start not in b'{["':
        raise _NoRecordError("the file has no list of Records")
    if start == b'"':
        if len(memoryview(text)) > _LONGEST_QUOTED:
            return [text]
        return _records_of_quoted(text, depth + 1)
    if start == b"[":
        elements = _elements(text)
        return _records_of_row(elements, depth) if depth else _records_of_each(elements, 1)
    members = _members(text)
    if _RECORD_KEYS.isdisjoint(members):
        listed = _listed_records(text, members, depth)
        return _records_in_envelope(members, depth + 1) if listed is None else listed
    # A record is one whatever members it has beside its own.
    with suppress(_NoRecordError):
        return [text, *(_listed_records(text, members, depth) or ())]
    return [text]


def _listed_records(text: Record, members: dict[str, Record], depth: int) -> Records | None:
    """Return the records that CloudTrail or lookup-events lists, None without such a list."""
    for name in ("Records", "Events"):
        if name in members:
            lists = _values(text, members, name)
            records = Records(element for value in lists for element in _elements(value, name))
            if name == "Events":
                records = _records_of_each(records, depth + 1)
            if len(lists) > 1:
                records.repeated_list_count = len(records)
            return records
    return None


def _values(text: Record, members: dict[str, Record], name: str) -> list[Record]:
    """Return all values of a member of an object, of which ``members`` has the last one."""
    if not _has_more(text, (*members.values(), *(key.encode() for key in members))):
        return [members[name]]
    return [value for key, value in _pairs(memoryview(text)) if key == name]


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
    # A query of lookup-events calls its columns what it likes.
    records: list[Record] = []
    for value in members.values():
        if memoryview(value)[:2].tobytes() == b'"{':
            with suppress(_NoRecordError):
                records += _records_of(value, depth)
    if not records:
        raise _no_record(members)
    return records


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
    """Return ``key`` as text that is short and harmless to print, without a value in it."""
    start = _BEFORE_VALUE.findall(key[:_KEY_LENGTH_SHOWN])[0]
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in start)
    return f"{text}..." if len(key) > len(start) else text


def _first_byte(text: Record) -> bytes:
    return memoryview(text)[:1].tobytes()


def _check_count(count: int) -> None:
    if count > MAX_RECORDS:
        raise UnreadableLogError(f"the file has more than {MAX_RECORDS:,} records")


def _elements(text: Record, name: str = "the file") -> list[Record]:
    return list(
        _decoded(_list_decoder.decode, _split_list, text, f"{name} is not a list of records")
    )


def _members(text: Record) -> dict[str, Record]:
    return dict(
        _decoded(_object_decoder.decode, _split_object, text, "the file has no list of Records")
    )


def _decoded(
    decode: Callable[[Record], _T], split: Callable[[memoryview], _T], text: Record, wrong_type: str
) -> _T:
    """Return ``text`` decoded one level deep.

    ``split`` serves where it is nested too deeply or has too many parts for the decoder.
    """
    try:
        if _has_few_parts(text):
            return decode(text)
    except msgspec.ValidationError:
        raise _NoRecordError(wrong_type) from None
    except msgspec.DecodeError as error:
        raise _not_json(str(error)) from None
    except RecursionError:
        pass
    return split(memoryview(text))


def _not_json(reason: str) -> _NotJsonError:
    reason = reason.removeprefix("JSON is malformed: ")
    return _NotJsonError(f"the file is not JSON: {reason[:1].lower()}{reason[1:]}")


def _split_list(text: memoryview) -> list[Record]:
    elements: list[Record] = []
    position = _opened(text, b"[", "the file is not a list of records")
    while position is not None:
        end = _document_end(text, position)
        elements.append(_part(text[position:end]))
        _check_count(len(elements))
        position = _next_part(text, end, b"]")
    return elements


def _split_object(text: memoryview) -> dict[str, Record]:
    return dict(_pairs(text))


def _pairs(text: memoryview) -> Iterator[tuple[str, Record]]:
    """Yield each member of an object, one that is there twice too."""
    count = 0
    position = _opened(text, b"{", "the file has no list of Records")
    while position is not None:
        key = _TOKEN.match(text, position)
        if key is None or key.end() - key.start() < 2 or not key[0].startswith(b'"'):
            raise _not_json(f"object keys must be strings (byte {position + 1})")
        start = _after_mark(text, key.end(), b":")
        end = _document_end(text, start)
        try:
            name = _text_decoder.decode(key[0])
        except msgspec.MsgspecError as error:
            raise _not_json(str(error)) from None
        yield name, _part(text[start:end])
        count += 1
        _check_count(count)
        position = _next_part(text, end, b"}")


def _opened(text: memoryview, mark: bytes, wrong_type: str) -> int | None:
    """Return where the first part begins of what ``mark`` opens, None if it has none."""
    start = _after_space(text, 0)
    if text[start : start + 1] != mark:
        raise _NoRecordError(wrong_type)
    start = _after_space(text, start + 1)
    return None if text[start : start + 1].tobytes() in (b"]", b"}") else start


def _next_part(text: memoryview, position: int, end_mark: bytes) -> int | None:
    """Return where the part begins that follows on another, None at the end of the whole."""
    position = _after_space(text, position)
    if text[position : position + 1] == end_mark:
        return None
    return _after_mark(text, position, b",")


def _after_mark(text: memoryview, position: int, mark: bytes) -> int:
    """Return where the text goes on behind ``mark``."""
    position = _after_space(text, position)
    if text[position : position + 1] != mark:
        is_end = position == len(text)
        reason = f"expected '{mark.decode()}' (byte {position + 1})"
        raise _not_json("input data was truncated" if is_end else reason)
    return _after_space(text, position + 1)


def _after_space(text: memoryview, position: int) -> int:
    space = _JSON_SPACE.match(text, position)
    return space.end() if space else position  # it matches nothing too


def _unquoted(value: Record) -> bytes:
    """Return the text in ``value`` if it is a JSON string, else ``value``."""
    text = bytes(value)
    try:
        return _without_lone_surrogates(_text_decoder.decode(text).encode())
    except msgspec.MsgspecError:  # the decoder of documents lets wrong escapes pass
        return text


def _as_utf8(body: bytes) -> bytes:
    """Return ``body`` as UTF-8; PowerShell's ``>`` writes UTF-16.

    msgspec does not look into records, and DuckDB fails late.
    """
    try:
        if body.startswith(_UTF16_BOMS):
            return b"".join(piece.encode() for piece in _decoded_pieces(body, "utf-16"))
        if not body.isascii():
            for _ in _decoded_pieces(body, "utf-8"):
                pass
    except UnicodeError as error:
        raise UnreadableLogError(f"the file is not UTF-8: {error}") from None
    return body


def _decoded_pieces(body: bytes, encoding: str) -> Iterator[str]:
    """Yield the text of ``body``, of which a whole could take four times the memory."""
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(body), _PIECE_BYTES):
        yield decoder.decode(body[start : start + _PIECE_BYTES])
    yield decoder.decode(b"", final=True)


def _without_lone_surrogates(text: bytes) -> bytes:
    r"""Return ``text`` with each ``\ud800`` that is no half of a pair replaced by ``\ufffd``."""
    if rb"\ud" not in text and rb"\uD" not in text:
        return text
    mended: bytearray | None = None
    for found in _SURROGATE.finditer(text):
        is_escape = len(found["backslashes"]) % 2 == 1
        if is_escape and found["low"]:
            continue
        # What is written over has the same length.
        end = found.end() if found["low"] is None else found.start("low")
        start = end - len(_LONE_SURROGATE) if is_escape else found.start("low")
        if start >= 0:
            mended = mended or bytearray(text)
            mended[start : start + len(_LONE_SURROGATE)] = _LONE_SURROGATE
    return text if mended is None else bytes(mended)
