"""The text of a log file as JSON, taken apart one level deep.

msgspec does that where it can; what is nested too deeply for it, or has more parts than a log file
may have, is read here token by token, so that no text takes more memory than its own.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

Record = bytes | msgspec.Raw
_T = TypeVar("_T")

MAX_RECORDS = 1_000_000
"""How many records a log file may have: in memory each costs more than the shortest has bytes."""

UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
PIECE_BYTES = 1 << 20
# A shorter part is cheaper as a copy than as a view of its file's text.
_VIEW_BYTES = 256
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
_TRAILING = re.compile(r"trailing characters \(byte (?P<byte>\d+)\)")
_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)")

_document_decoder = msgspec.json.Decoder(msgspec.Raw)
list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)


class UnreadableLogError(Exception):
    """A log file that cannot be read; its message is the ``problem`` that is recorded."""


class NotJsonError(UnreadableLogError):
    """The text is not a sequence of JSON documents."""


class NoRecordError(UnreadableLogError):
    """It is JSON, but neither a record nor anything known to hold some."""


def elements_of(text: Record, name: str = "the file") -> list[Record]:
    """Return the elements of a list. Raises UnreadableLogError if it is not a list."""
    return list(
        _decoded(list_decoder.decode, _split_list, text, f"{name} is not a list of records")
    )


def members_of(text: Record) -> dict[str, Record]:
    """Return the members of an object, the last of each name. Raises UnreadableLogError."""
    return dict(
        _decoded(object_decoder.decode, _split_object, text, "the file has no list of Records")
    )


def pairs_of(text: memoryview) -> Iterator[tuple[str, Record]]:
    """Yield each member of an object, one that is there twice too."""
    count = 0
    position = _opened(text, b"{", "the file has no list of Records")
    while position is not None:
        key = _TOKEN.match(text, position)
        if key is None or key.end() - key.start() < 2 or not key[0].startswith(b'"'):
            raise not_json(f"object keys must be strings (byte {position + 1})")
        start = _after_mark(text, key.end(), b":")
        end = document_end(text, start)
        try:
            name = _text_decoder.decode(key[0])
        except msgspec.MsgspecError as error:
            raise not_json(str(error)) from None
        yield name, part_of(text[start:end])
        count += 1
        check_count(count)
        position = _next_part(text, end, b"}")


def document_end(text: memoryview, start: int) -> int:
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
        raise not_json(reason) from None
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
    raise not_json("input data was truncated")


def unquoted(value: Record) -> bytes:
    """Return the text in ``value`` if it is a JSON string, else ``value``."""
    text = bytes(value)
    try:
        return without_lone_surrogates(_text_decoder.decode(text).encode())
    except msgspec.MsgspecError:  # the decoder of documents lets wrong escapes pass
        return text


def first_byte(text: Record) -> bytes:
    """Return the first byte, b"" of nothing."""
    return memoryview(text)[:1].tobytes()


def as_utf8(body: bytes) -> bytes:
    """Return ``body`` as UTF-8; PowerShell's ``>`` writes UTF-16.

    msgspec does not look into records, and DuckDB fails late.
    """
    try:
        if body.startswith(UTF16_BOMS):
            return b"".join(piece.encode() for piece in _decoded_pieces(body, "utf-16"))
        if not body.isascii():
            for _ in _decoded_pieces(body, "utf-8"):
                pass
    except UnicodeError as error:
        raise UnreadableLogError(f"the file is not UTF-8: {error}") from None
    return body


def has_few_parts(text: Record) -> bool:
    """Return whether no list or object in ``text`` can have more parts than a log has records."""
    view = memoryview(text)
    # A part has a comma and a letter at least.
    return len(view) <= 2 * MAX_RECORDS or _comma_count(view) < MAX_RECORDS


def _comma_count(view: memoryview) -> int:
    return sum(
        view[start : start + PIECE_BYTES].tobytes().count(b",")
        for start in range(0, len(view), PIECE_BYTES)
    )


def part_of(text: memoryview) -> Record:
    """Return a part of a log's text; a long one stays where it is."""
    return text.tobytes() if len(text) < _VIEW_BYTES else msgspec.Raw(text)


def check_count(count: int) -> None:
    """Raise UnreadableLogError for more records than a log file may have."""
    if count > MAX_RECORDS:
        raise UnreadableLogError(f"the file has more than {MAX_RECORDS:,} records")


def _decoded(
    decode: Callable[[Record], _T], split: Callable[[memoryview], _T], text: Record, wrong_type: str
) -> _T:
    """Return ``text`` decoded one level deep.

    ``split`` serves where it is nested too deeply or has too many parts for the decoder.
    """
    try:
        if has_few_parts(text):
            return decode(text)
    except msgspec.ValidationError:
        raise NoRecordError(wrong_type) from None
    except msgspec.DecodeError as error:
        raise not_json(str(error)) from None
    except RecursionError:
        pass
    return split(memoryview(text))


def not_json(reason: str) -> NotJsonError:
    """Return the error for a text that is not JSON, for a reason that msgspec may have given."""
    reason = reason.removeprefix("JSON is malformed: ")
    return NotJsonError(f"the file is not JSON: {reason[:1].lower()}{reason[1:]}")


def _split_list(text: memoryview) -> list[Record]:
    elements: list[Record] = []
    position = _opened(text, b"[", "the file is not a list of records")
    while position is not None:
        end = document_end(text, position)
        elements.append(part_of(text[position:end]))
        check_count(len(elements))
        position = _next_part(text, end, b"]")
    return elements


def _split_object(text: memoryview) -> dict[str, Record]:
    return dict(pairs_of(text))


def _opened(text: memoryview, mark: bytes, wrong_type: str) -> int | None:
    """Return where the first part begins of what ``mark`` opens, None if it has none."""
    start = _after_space(text, 0)
    if text[start : start + 1] != mark:
        raise NoRecordError(wrong_type)
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
        raise not_json("input data was truncated" if is_end else reason)
    return _after_space(text, position + 1)


def _after_space(text: memoryview, position: int) -> int:
    space = _JSON_SPACE.match(text, position)
    return space.end() if space else position  # it matches nothing too


def _decoded_pieces(body: bytes, encoding: str) -> Iterator[str]:
    """Yield the text of ``body``, of which a whole could take four times the memory."""
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(body), PIECE_BYTES):
        yield decoder.decode(body[start : start + PIECE_BYTES])
    yield decoder.decode(b"", final=True)


def without_lone_surrogates(text: bytes) -> bytes:
    r"""Return ``text`` with each ``\ud800`` that is not half of a pair replaced by ``\ufffd``."""
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
