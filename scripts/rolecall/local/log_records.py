"""The records in the text of a log file, in whatever shape somebody kept them.

CloudTrail's own shape is ``{"Records": [...]}``. Others come from AWS's tools, by their published
output: ``aws cloudtrail lookup-events`` (CloudTrail API Reference, "LookupEvents"), what
EventBridge hands on (its User Guide, "AWS service events delivered via CloudTrail"), and exports
and subscriptions of CloudWatch Logs (its User Guide, "Exporting log data to Amazon S3" and
"Subscriptions"). What a record means is said in SQL, under ``models/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum, auto

import msgspec

from rolecall.local.json_parts import (
    PIECE_BYTES,
    UTF16_BOMS,
    NoRecordError,
    NotJsonError,
    Record,
    UnreadableLogError,
    as_utf8,
    check_count,
    document_end,
    elements_of,
    first_byte,
    has_few_parts,
    list_decoder,
    members_of,
    not_json,
    object_decoder,
    pairs_of,
    part_of,
    unquoted,
    without_lone_surrogates,
)
from rolecall.local.yaml_text import json_of_yaml

MAX_RECORD_BYTES = 1_000_000
"""The largest record that is loaded: CloudTrail's own limit is 256 KB (User Guide, "Quotas")."""

MAX_RESOURCES = 10_000
"""How many resources a record may name: as rows of a table they are many times their text."""

_USUAL_MEMBERS = 64

# A JSON object is taken for a record if it has any of these.
_RECORD_KEYS = frozenset(("eventID", "eventTime", "eventName", "eventVersion", "userIdentity"))
# A page has events, of which one has a message, which is an EventBridge event, which has a record.
_DEEPEST_ENVELOPE = 5
_KEYS_SHOWN = 8
_KEY_LENGTH_SHOWN = 40
# A quoted text with a record in it, escapes included: a longer one is a record that is too large.
_LONGEST_QUOTED = 8 * MAX_RECORD_BYTES
# Quotes and a mark behind each key or value, and one mark more.
_AROUND_KEY, _AROUND_VALUE, _AROUND_MEMBERS = 3, 1, 1
# The names of what holds records, in the order in which an object of several is taken for one.
_LISTS = ("Records", "Events")
_LOG_EVENTS = ("logEvents", "events")
_ENVELOPE_KEYS = (*_LISTS, "CloudTrailEvent", "detail", *_LOG_EVENTS, "message")

# A row that has anything of a record: others are passed over at once.
_ROW = re.compile(rb'(?:(?<=[\r\n])|\A)[^\r\n{"]*+[{"][^\r\n]*+')
_OBJECT_CELL = re.compile(rb"(?:(?<=[\t\r\n])|\A) *+(?P<object>\{[^\t\r\n]*+)")
_ACCOUNT = re.compile(rb'"\d{12}"')
_TRAIL_START = re.compile(rb'[ \t\r\n]*+\{[ \t\r\n]*+"Records"[ \t\r\n]*+:')
_TRAIL_END_BYTES = 64
# Text with one of these is not a name: a value may stand behind it.
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

# What lookup-events prints as YAML: pages, events, or texts of records.
_YAML_START = rb"(?:Events:|(?:- )++(?:[A-Za-z]++:|['\"]\{))"
_YAML = re.compile(_SPACE + _YAML_START)
_TABLE = re.compile(rb"-{3,}+\r?\n\|")
# How the text of a log begins: with a document, a line of one, or a row with one among its cells.
_BEGINNING = re.compile(
    rb'%b(?:\{|\[|"\s*\{|%b|%b\{|EVENTS\t|[^\n{]{1,4096}\t\{)' % (_SPACE, _YAML_START, _TIME_STAMP)
)
_OTHER_BEGINNING = re.compile(rb'%b(?:\[\s*)*+\{\s*"(?:[^"\\]++|\\.)*+"\s*:' % _SPACE)
_CLOUDTRAIL_MEMBER = re.compile(
    rb'"(?:Records|Events)"\s*:\s*\['
    rb'|"(?:%b)\\*+"\s*:' % "|".join((*_RECORD_KEYS, "eventSource", "CloudTrailEvent")).encode()
)


def _escaped(letter: str) -> bytes:
    """Return the expression of a letter in JSON text that may be quoted several times."""
    code = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(letter):04x}")
    return rf"(?:{letter}|\\++u{code})".encode()


# A key of a record, however it is written: from a quote on, or from the code of an escaped one.
_RECORD_KEY = re.compile(
    rb'(?:"|u0022)(?:%b)(?:\\*+"|\\++u0022)(?:\s|\\++[nrt])*+%b'
    % (
        b"|".join(b"".join(map(_escaped, key)) for key in sorted(_RECORD_KEYS)),
        _escaped(":"),
    )
)


class Look(Enum):
    """What a file looks like by its first bytes."""

    LOG = auto()
    OTHER_JSON = auto()
    OTHER = auto()


def look_of(head: bytes) -> Look:
    """Return what a file looks like that begins with ``head``, the first bytes of its text.

    Other JSON has members, and none that a record or lookup-events has.
    """
    if head.startswith(UTF16_BOMS):
        head = head.decode("utf-16", "ignore").encode()
    if _BEGINNING.match(head) and _CLOUDTRAIL_MEMBER.search(head):
        return Look.LOG
    return Look.OTHER_JSON if _OTHER_BEGINNING.match(head) else Look.OTHER


class Records(list[Record]):
    """The records of a log file.

    ``repeated_list_count`` of them are in an object that has records in several members, or a key
    twice: other readers may see some of them alone.
    """

    repeated_list_count = 0

    def add(self, found: Iterable[Record]) -> None:
        """Add records that were found in a part."""
        self += found
        if isinstance(found, Records):
            self.repeated_list_count += found.repeated_list_count


def many_members(text: bytes) -> tuple[int, bool]:
    """Return by how many members a record has more than most, and whether they may be resources.

    Those of one of its lists or objects are at most its commas.
    """
    members = max(text.count(b",") - _USUAL_MEMBERS, 0)
    # Any letter of a key may be written as an escape.
    return members, members > 0 and (b'"resources"' in text or b"\\u" in text)


def parse_records(body: bytes) -> Records:
    """Return the records in the text of a log file, each as the JSON text that was logged (UTF-8).

    It may be any number of JSON documents, one a line or printed over several: CloudTrail's
    ``{"Records": [...]}``, arrays of records, single ones, what ``aws cloudtrail lookup-events``
    prints, and the envelopes of EventBridge and CloudWatch Logs. What stands beside records and is
    not one is returned too, so that it can be counted. Raises UnreadableLogError.
    """
    text = as_utf8(body)
    if not text or text.isspace():
        raise UnreadableLogError("the file is empty (zero bytes)")
    if (listed := _trail_list(text)) is not None and has_few_parts(text):
        with suppress(msgspec.MsgspecError, RecursionError):
            return Records(list_decoder.decode(listed))
    text = without_lone_surrogates(text)
    try:
        return _records_of_each(_documents(text))
    except NotJsonError:
        if b"\t" in text:
            with suppress(NotJsonError):
                return _records_of_each(_cells(text))
        if _YAML.match(text):
            return parse_records(json_of_yaml(text))
        if _TABLE.match(text):
            raise UnreadableLogError(
                "the file is a table, from which no record can be read: print it with --output json"
            ) from None
        raise


def _trail_list(text: bytes) -> memoryview | None:
    """Return the value of ``Records`` in what CloudTrail writes, None if it cannot be that.

    It is all that the object has if it is one JSON value.
    """
    start = _TRAIL_START.match(text)
    end = text[-_TRAIL_END_BYTES:].rstrip(b" \t\r\n")
    if start is None or not end.endswith(b"}"):
        return None
    behind_bytes = min(len(text), _TRAIL_END_BYTES) - len(end)
    return memoryview(text)[start.end() : len(text) - behind_bytes - 1]


def _documents(text: bytes) -> Iterator[Record]:
    """Yield the JSON documents that follow on each other in ``text``, without time stamps."""
    view = memoryview(text)
    start = _next_start(text, 0)
    is_first = True
    while start < len(text):
        try:
            end = document_end(view, start)
        except NotJsonError as error:
            if is_first:
                raise
            begins_none = text[start : start + 1] not in b'{["'
            trails = not_json(f"trailing characters (byte {start + 1})")
            problem = trails if begins_none else error
            line = text.count(b"\n", 0, start) + 1
            raise NotJsonError(f"line {line}: {problem}" if line > 1 else str(problem)) from None
        yield part_of(view[start:end])
        start = _next_start(text, end)
        is_first = False


def _next_start(text: bytes, position: int) -> int:
    before = _BEFORE_DOCUMENT.match(text, position)
    return before.end() if before else position  # it matches nothing too


def _cells(text: bytes) -> Iterator[bytes]:
    """Yield the JSON objects among the cells of ``--output text``: rows, parted by tabs.

    Rows of resources and tokens have none, and no quote that a piece of a record would have.
    """
    has_any = False
    for row in _ROW.finditer(text):
        has_one = has_piece = False
        start = row.start()
        for cell in _OBJECT_CELL.finditer(text, *row.span()):
            yield cell["object"].rstrip()
            has_any = has_one = True
            has_piece = has_piece or _RECORD_KEY.search(text, start, cell.start()) is not None
            start = cell.end()
        if not has_one:
            has_piece = text.find(b'"', *row.span()) >= 0
        if has_piece or _RECORD_KEY.search(text, start, row.end()):
            raise not_json("a row has a piece of a record")
    if not has_any:
        raise not_json("no row has a record")


def _records_of_each(parts: Iterable[Record], depth: int = 0) -> Records:
    """Return the records of all ``parts``; a part that is not a record is counted as it is.

    Raises NoRecordError if none of them is or has any, UnreadableLogError if there are too many.
    """
    records = Records()
    problem: NoRecordError | None = None
    has_any = False
    for count, part in enumerate(parts, start=1):
        try:
            found = _records_of(part, depth)
            records.add(found)
            has_any = True
        except NoRecordError as error:
            problem = problem or error
            records.append(part)
        # A document without records takes time too.
        check_count(max(count, len(records)))
    if problem and not has_any:
        raise problem
    return records


def _records_of(text: Record, depth: int) -> list[Record]:
    """Return the records of one JSON value of any shape that is understood."""
    start = first_byte(text)
    if depth > _DEEPEST_ENVELOPE or start not in b'{["':
        raise NoRecordError("the file has no list of Records")
    if start == b'"':
        if len(memoryview(text)) > _LONGEST_QUOTED:
            return [text]
        return _records_of_quoted(text, depth + 1)
    if start == b"[":
        elements = elements_of(text)
        return _records_of_row(elements, depth) if depth else _records_of_each(elements, 1)
    members = members_of(text)
    if _RECORD_KEYS.isdisjoint(members):
        return _records_in_envelope(_all_members(text, members), depth + 1)
    # A record is one whatever members it has beside its own.
    records = Records([text])
    if not members.keys().isdisjoint(_LISTS):
        lists = [member for member in _all_members(text, members) if member[0] in _LISTS]
        with suppress(NoRecordError):
            records.add(_records_in_envelope(lists, depth + 1))
    return records


def _all_members(text: Record, members: dict[str, Record]) -> list[tuple[str, Record]]:
    """Return all members of an object, of which ``members`` has one of each name."""
    if len(memoryview(text)) <= PIECE_BYTES:
        with suppress(msgspec.MsgspecError, RecursionError):
            compact = msgspec.json.format(bytes(text), indent=-1)
            if len(compact) == _least_bytes(object_decoder.decode(compact)):
                return list(members.items())
    return list(pairs_of(memoryview(text)))


def _least_bytes(members: Mapping[str, Record]) -> int:
    """Return how long an object is that has these members and nothing else, not even space."""
    bytes_of_keys = sum(len(key) + _AROUND_KEY for key in members)
    bytes_of_values = sum(len(memoryview(value)) + _AROUND_VALUE for value in members.values())
    return bytes_of_keys + bytes_of_values + _AROUND_MEMBERS


def _records_in_envelope(members: list[tuple[str, Record]], depth: int) -> Records:
    """Return the records in an object of CloudTrail, lookup-events, EventBridge or CloudWatch Logs.

    Those in what is beside its own member are returned too, and what looks like one as it is.
    """
    by_name = dict(members)
    own = next((name for name in _ENVELOPE_KEYS if _is_envelope(name, by_name)), None)
    records = Records()
    source_count = 0
    beside: list[Record] = []
    for name, value in members:
        if name == own:
            records.add(_records_of_member(name, value, by_name, depth))
        # A query of lookup-events calls its columns what it likes.
        elif own is None and (found := _quoted_records(value, depth)):
            records.add(found)
        else:
            beside.append(value)
            continue
        source_count += 1
    if own is None and not records:
        raise _no_record(by_name)
    for value in beside:
        if _RECORD_KEY.search(memoryview(value)):
            records.add(_records_beside(value, depth))
            source_count += 1
    if source_count > 1 or len(members) > len(by_name):
        records.repeated_list_count = len(records)
    return records


def _is_envelope(name: str, members: dict[str, Record]) -> bool:
    """Return whether an object holds its records in the member of this name."""
    return name in members and (name != "detail" or _is_cloudtrail(members.get("detail-type")))


def _records_of_member(
    name: str, value: Record, members: dict[str, Record], depth: int
) -> list[Record]:
    """Return the records in the member of an envelope that is there for them."""
    if name == "Records":
        return elements_of(value, name)
    if name == "CloudTrailEvent":
        return [unquoted(value)]
    if name == "detail":
        return [_of_account(value, members.get("account"))]
    if name == "message":
        try:
            return _records_of(value, depth)
        except NoRecordError:
            raise _no_record(members) from None
    is_control = unquoted(members.get("messageType", b"")) == b"CONTROL_MESSAGE"
    if name in _LOG_EVENTS and is_control and not _RECORD_KEY.search(memoryview(value)):
        return []
    return _records_of_each(elements_of(value, name), depth)


def _quoted_records(value: Record, depth: int) -> list[Record]:
    if memoryview(value)[:2].tobytes() == b'"{':
        with suppress(NoRecordError):
            return _records_of(value, depth)
    return []


def _records_beside(value: Record, depth: int) -> list[Record]:
    """Return the records in what looks as if it had some, itself if they cannot be read."""
    with suppress(NoRecordError):
        return _records_of(value, depth) or [value]
    return [value]


def _records_of_quoted(text: Record, depth: int) -> list[Record]:
    """Return the records of the JSON text that ``text`` quotes."""
    try:
        return _records_of(unquoted(text).strip(), depth)
    except NotJsonError:
        raise NoRecordError("the file has no list of Records") from None


def _records_of_row(cells: list[Record], depth: int) -> list[Record]:
    """Return the records of a list in a list, as a query of several columns prints it."""
    found = _records_of_each(cells, depth + 1)
    records = Records(
        record
        for record in found
        if first_byte(record) == b"{" or _RECORD_KEY.search(memoryview(record))
    )
    records.repeated_list_count = min(found.repeated_list_count, len(records))
    return records


def _is_cloudtrail(detail_type: Record | None) -> bool:
    """Return whether EventBridge says that an event's detail is a record of an event."""
    kind = unquoted(detail_type or b"")
    return kind.endswith(b" via CloudTrail") and not kind.startswith(b"AWS Insight ")


def _of_account(record: Record, account: Record | None) -> Record:
    """Return ``record`` with the account of its envelope, if it has none of its own."""
    text = bytes(record)
    if account is None or not _ACCOUNT.fullmatch(bytes(account)) or not text.startswith(b"{"):
        return record
    if "recipientAccountId" in members_of(text):
        return record
    return b'{"recipientAccountId":' + bytes(account) + b"," + text[1:]


def _no_record(members: dict[str, Record]) -> NoRecordError:
    """Return the error for an object that is nothing known; it says what the object looks like."""
    problem = "the file has no list of Records"
    if not members:
        return NoRecordError(problem)
    keys = [_shown(key) for key in list(members)[:_KEYS_SHOWN]]
    rest = f" and {len(members) - len(keys):,} more" if len(members) > len(keys) else ""
    noun = "key" if len(members) == 1 else "keys"
    return NoRecordError(f"{problem}; its first object has the {noun} {', '.join(keys)}{rest}")


def _shown(key: str) -> str:
    """Return ``key`` as text that is short and harmless to print, without a value in it."""
    start = _BEFORE_VALUE.findall(key[:_KEY_LENGTH_SHOWN])[0]
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in start)
    return f"{text}..." if len(key) > len(start) else text
