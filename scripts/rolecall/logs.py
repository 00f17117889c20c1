"""Find and read CloudTrail log files on disk.

Everything here is about files: which of them are event logs, what their names say, and how
their bytes become JSON records. What a record means is said in SQL, under ``models/``.

Facts about keys and records come from the AWS CloudTrail User Guide, pages "Getting and viewing
your CloudTrail log files" and "CloudTrail record contents".
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from heapq import heappop, heappush
from pathlib import Path
from typing import TypeVar

import msgspec
from isal import igzip, isal_zlib

Record = bytes | msgspec.Raw
_T = TypeVar("_T")
_Identity = tuple[int, int] | str

MAX_LOG_BYTES = 1 << 30
"""The largest log file that is read, in bytes once unpacked: a bound against gzip bombs."""

# The key of a trail's file from AWSLogs/ on, with or without an organisation.
_TRAIL_KEY = re.compile(
    r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/(?P<folder>[^/]+)/"
    r"(?:(?P<region>[^/]+)/(?P<day>\d{4}/\d\d/\d\d)/)?(?:.*/)?[^/]*",
    re.DOTALL,
)
# ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM; digests and others differ in the second part.
_TRAIL_NAME = re.compile(
    r"(?P<account>\d{12})_(?P<folder>CloudTrail(?:-[A-Za-z]+)?|Config)_(?P<region>[^_]+)_"
    r"(?:(?P<day>\d{8})T\d{4,6}Z[_.])?"
)
_LOG_SUFFIXES = tuple(
    suffix + gz for suffix in (".json", ".jsonl", ".ndjson") for gz in ("", ".gz")
)
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW_BITS = 31
# Deflate packs 1032 to 1 at best, so that a body below this size cannot exceed MAX_LOG_BYTES.
_SAFE_GZIP_BYTES = MAX_LOG_BYTES // 1032
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A lone JSON object is taken for a record if it has any of these.
_RECORD_KEYS = frozenset(("eventID", "eventTime", "eventName", "eventVersion", "userIdentity"))
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


class UnreadableLogError(Exception):
    """A log file that cannot be read; its message is the ``problem`` that is recorded."""


class _NotJsonError(UnreadableLogError):
    """The text is no single JSON document; it may still hold one document a line."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the key or the name of a log file says; None where it says nothing."""

    account_id: str | None
    aws_region: str | None
    delivered_date: date | None


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file on disk, before it is opened, or a folder that stands for what is in it.

    ``log_file`` is the key from ``AWSLogs/`` on, or the path below ``log_root`` for a file
    outside that layout; ``log_root`` may be the file itself. ``modified_at`` is in microseconds
    since 1970, UTC. ``problem`` says why the file cannot be opened, if that is known already.
    ``other_paths`` has copies of the file with its size and time, to be read where it cannot.
    """

    log_file: str
    path: str
    log_root: str
    facts: KeyFacts
    size_bytes: int | None
    modified_at: int | None
    problem: str | None = None
    other_paths: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder: one that cannot be listed, or once could not."""
        return is_folder_key(self.log_file)


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A path as it was found below the folder of logs, and what it is without links."""

    path: str
    real_path: str

    def key(self, log_root: str) -> str:
        """Return the key, that of a trail if either path is in a trail's layout."""
        return _trail_key(self.real_path) or log_file_key(self.path, log_root)

    def below(self, name: str) -> _Place:
        """Return the place of ``name``, which is no link, in this folder."""
        return _Place(os.path.join(self.path, name), os.path.join(self.real_path, name))


@dataclass(slots=True)
class _Listing:
    """What is in a folder: files with their facts, folders and links to folders as places."""

    files: list[LogFile] = field(default_factory=list)
    folders: list[_Place] = field(default_factory=list)
    links: list[_Place] = field(default_factory=list)


def is_folder_key(key: str) -> bool:
    """Return whether ``key`` is that of a folder, not of a log file."""
    return key.endswith("/")


def log_file_key(path: str, log_root: str) -> str:
    """Return the key that names a log file wherever its folder is moved to.

    ``path`` and ``log_root`` are absolute. The key starts at the last ``AWSLogs/`` that a
    trail's layout follows, else it is the path below ``log_root``, or its name if it is that.
    """
    if key := _trail_key(path):
        return key
    folder = os.path.dirname(path) if path == log_root else log_root
    folder_mark = "/" if path.endswith(os.sep) else ""
    return os.path.relpath(path, folder).replace(os.sep, "/") + folder_mark


def loose_file_path(key: str, log_root: str) -> str:
    """Return where the file outside a trail's layout is that has ``key`` below ``log_root``."""
    return log_root if os.path.isfile(log_root) else os.path.join(log_root, key)


def _trail_key(path: str) -> str | None:
    """Return the key that ``path`` has in a trail's layout, None outside of one."""
    posix = path.replace(os.sep, "/")
    start = posix.rfind("/AWSLogs/")
    while start >= 0:
        if _TRAIL_KEY.fullmatch(posix, start + 1):
            return posix[start + 1 :]
        start = posix.rfind("/AWSLogs/", 0, start)
    return None


def printable(path: str) -> str:
    r"""Return ``path`` as text that can be stored: bytes that are no UTF-8 become ``\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def key_facts(key: str) -> KeyFacts | None:
    """Return what ``key`` says of a log file, or None if it names no event log.

    Digest, Insight, Config and other files of a trail are no event logs.
    """
    in_layout = _TRAIL_KEY.fullmatch(key)
    in_name = _TRAIL_NAME.match(key.rpartition("/")[2])
    for match in (in_layout, in_name):
        if match and match["folder"] != "CloudTrail":
            return None
    for match in (in_layout, in_name):
        day = _day(match["day"]) if match and match["day"] else None
        if match and day:
            return KeyFacts(match["account"], match["region"], day)
    return KeyFacts(in_layout["account"] if in_layout else None, None, None)


def find_log_files(log_root: Path, once_closed: Collection[str] = ()) -> Iterator[LogFile]:
    """Yield every event log at or below ``log_root``, in no particular order.

    A folder that may not be listed and a file that may not be examined are yielded too, with a
    ``problem``: they get recorded, not passed over in silence. A folder that is listed is yielded
    too if its key is in ``once_closed``. Links are followed, each folder is taken once: by a path
    with ``AWSLogs/`` if one leads there. Raises FileNotFoundError if ``log_root`` does not exist.
    """
    root = os.path.abspath(log_root)
    if os.path.isfile(root):
        yield from _examined(_followed(root), root)
        return
    if not os.path.isdir(root):
        raise FileNotFoundError(root)
    loose: dict[_Identity, list[LogFile]] = {}
    for identity, is_of_trail, files in _folders(root, once_closed):
        if is_of_trail:
            loose.pop(identity, None)
            yield from files
        else:
            loose[identity] = files
    for files in loose.values():
        yield from files


def read_records(file: LogFile) -> list[Record]:
    """Return the records of ``file``, each as the JSON text that was logged (UTF-8).

    An element of the list that is no JSON object is returned too, so that it can be counted.
    A folder that could be listed has none of its own. Raises UnreadableLogError where neither the
    file nor a copy at ``other_paths`` gives a list of records.
    """
    if file.problem is not None:
        raise UnreadableLogError(file.problem)
    if file.is_folder:
        return []
    try:
        return _records_at(file.path)
    except UnreadableLogError:
        for path in file.other_paths:
            with suppress(UnreadableLogError):
                return _records_at(path)
        raise


def _records_at(path: str) -> list[Record]:
    try:
        with open(path, "rb") as stream:
            body = stream.read(MAX_LOG_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableLogError("the file vanished before it could be read") from None
    except OSError as error:
        raise UnreadableLogError(f"cannot open the file: {_reason(error)}") from None
    if body.startswith(_GZIP_MAGIC):
        body = _gunzipped(body)
    if len(body) > MAX_LOG_BYTES:
        raise UnreadableLogError(f"the file is larger than {MAX_LOG_BYTES:,} bytes unpacked")
    return parse_records(body)


def parse_records(body: bytes) -> list[Record]:
    """Return the records in the JSON text of a log file.

    Understood are CloudTrail's ``{"Records": [...]}``, an array of records, one record, records
    one a line, and what ``aws cloudtrail lookup-events`` prints. Raises UnreadableLogError.
    """
    text = _as_utf8(body)
    if not text.strip():
        raise UnreadableLogError("the file is empty (zero bytes)")
    try:
        return list(_trail_decoder.decode(text).Records)
    except (msgspec.MsgspecError, RecursionError):
        text = _without_lone_surrogates(text)
    try:
        return _records_of(text)
    except _NotJsonError as error:
        lines = [line for line in text.split(b"\n") if line.strip()]
        if len(lines) == 1:
            raise
        return _records_of_lines(lines, error)


class _Trail(msgspec.Struct):
    Records: list[msgspec.Raw]


class _LookedUp(msgspec.Struct):
    CloudTrailEvent: str


_trail_decoder = msgspec.json.Decoder(_Trail)
_lookup_decoder = msgspec.json.Decoder(_LookedUp)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)


def _records_of(text: Record) -> list[Record]:
    """Return the records of one JSON document of any shape that is understood."""
    start = bytes(text).lstrip()[:1]
    if start == b"[":
        return [_unquoted(element) for element in _elements(text)]
    members = _members(text)
    if "Records" in members:
        return _elements(members["Records"], "Records")
    if "Events" in members:
        return [_looked_up(event) for event in _elements(members["Events"], "Events")]
    if _RECORD_KEYS.isdisjoint(members):
        raise UnreadableLogError("the file has no list of Records")
    return [text]


def _records_of_lines(lines: Sequence[bytes], error: _NotJsonError) -> list[Record]:
    """Return the records of newline-delimited JSON; ``error`` is for text that is none."""
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        try:
            records.extend(_records_of(line))
        except _NotJsonError as line_error:
            if number == 1:
                raise error from None
            raise UnreadableLogError(f"line {number}: {line_error}") from None
        except UnreadableLogError:
            records.append(line)  # JSON, but no record: it is counted as rejected.
    return records


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
        raise UnreadableLogError(wrong_type) from None
    except msgspec.DecodeError as error:
        raise _NotJsonError(
            f"the file is not JSON: {_lower_first(str(error).removeprefix('JSON is malformed: '))}"
        ) from None
    except RecursionError:
        return split(bytes(text))


def _split_list(text: bytes) -> list[Record]:
    return [part for part in _parts(text) if part.strip()]


def _split_object(text: bytes) -> dict[str, Record]:
    members: dict[str, Record] = {}
    for part in _parts(text):
        key = _TOKEN.search(part)
        if key is not None:
            members[_text_decoder.decode(key[0])] = part[key.end() :].lstrip(b" \t\r\n:")
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
    if depth:
        raise _NotJsonError("the file is not JSON: input data was truncated")


def _unquoted(element: Record) -> Record:
    """Return the record inside ``element`` if that is a JSON text which quotes one."""
    if not bytes(element).startswith(b'"{'):
        return element
    return _text_decoder.decode(element).encode()


def _looked_up(event: Record) -> Record:
    """Return the record that lookup-events quotes in ``event``; ``event`` itself if none."""
    try:
        return _lookup_decoder.decode(event).CloudTrailEvent.encode()
    except msgspec.MsgspecError:
        return event


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


def _gunzipped(body: bytes) -> bytes:
    try:
        if len(body) <= _SAFE_GZIP_BYTES:
            return bytes(igzip.decompress(body))
        return b"".join(_gunzipped_members(body))
    except EOFError:
        if _is_followed_by_other_bytes(body):
            raise UnreadableLogError(
                "the gzip file is damaged: other bytes follow its data"
            ) from None
        raise UnreadableLogError("the gzip file is truncated") from None
    except (OSError, isal_zlib.error) as error:  # type: ignore[misc]
        raise UnreadableLogError(f"the gzip file is damaged: {error}") from None


def _is_followed_by_other_bytes(body: bytes) -> bool:
    """Return whether a gzip file is whole, and what follows is neither padding nor a member."""
    while body.startswith(_GZIP_MAGIC):
        member = isal_zlib.decompressobj(_GZIP_WINDOW_BITS)
        member.decompress(body, MAX_LOG_BYTES)
        if not member.eof:
            return False
        body = member.unused_data.lstrip(b"\0")
    return not _GZIP_MAGIC.startswith(body)


def _gunzipped_members(body: bytes) -> Iterator[bytes]:
    """Yield the members of a large gzip file, up to one byte more than may be read."""
    left = MAX_LOG_BYTES + 1
    while body and left:
        member = isal_zlib.decompressobj(_GZIP_WINDOW_BITS)
        text = member.decompress(body, left)
        if not member.eof and len(text) < left:
            raise EOFError
        yield text
        left -= len(text)
        body = member.unused_data.lstrip(b"\0")


def _folders(
    root: str, once_closed: Collection[str]
) -> Iterator[tuple[_Identity, bool, list[LogFile]]]:
    """Yield each folder's identity, whether it is at or below an ``AWSLogs/``, and its files.

    One that is reached outside of such a folder comes again if a link leads to it in one.
    """
    seen: dict[_Identity, bool] = {}
    folders, links = [_followed(root)], list[_Place]()
    while folders or links:
        # Links wait, the first path first, so that no order of a listing decides on a key.
        folder = folders.pop() if folders else heappop(links)
        identity = _identity(folder.path)
        is_of_trail = "/AWSLogs/" in f"/{folder.below('').key(root)}"
        if seen.get(identity, False) or (identity in seen and not is_of_trail):
            continue
        seen[identity] = is_of_trail
        listing = _listed(folder, root, once_closed)
        folders += listing.folders
        for link in listing.links:
            heappush(links, link)
        yield identity, is_of_trail, listing.files


def _identity(folder: str) -> _Identity:
    """Return what a folder is whatever path leads to it; the path where that may not be asked."""
    try:
        status = os.stat(folder)
    except OSError:
        return folder
    return status.st_dev, status.st_ino


def _followed(path: str) -> _Place:
    return _Place(path, os.path.realpath(path))


def _listed(folder: _Place, root: str, once_closed: Collection[str]) -> _Listing:
    listing = _Listing()
    itself = folder.below("")
    try:
        entries = list(os.scandir(folder.path))
    except OSError as error:
        problem = f"cannot list the folder: {_reason(error)}"
        listing.files += _examined(itself, root, problem)
        return listing
    if once_closed:
        listing.files += (file for file in _examined(itself, root) if file.log_file in once_closed)
    for entry in entries:
        is_folder = _is_folder(entry)
        is_log = entry.name.lower().endswith(_LOG_SUFFIXES) and not entry.name.startswith(".")
        if not is_folder and not is_log:
            continue
        is_link = entry.is_symlink()
        place = _followed(entry.path) if is_link else folder.below(entry.name)
        if not is_folder:
            listing.files += _examined(place, root)
        elif is_link:
            listing.links.append(place)
        else:
            listing.folders.append(place)
    return listing


def _examined(place: _Place, root: str, problem: str | None = None) -> Iterator[LogFile]:
    """Yield the event log or folder at ``place``, nothing if its key says it is another file."""
    path = place.path
    key = printable(place.key(root))
    facts = key_facts(key)
    if facts is None:
        return
    size_bytes = modified_at = None
    if problem is None and not is_folder_key(key):
        try:
            status = os.stat(path)
            size_bytes, modified_at = status.st_size, status.st_mtime_ns // 1000
            if not stat.S_ISREG(status.st_mode):  # reading a pipe could wait for ever
                problem = "not a regular file"
        except OSError as error:
            problem = f"cannot examine the file: {_reason(error)}"
    yield LogFile(key, path, root, facts, size_bytes, modified_at, problem)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _day(digits: str) -> date | None:
    try:
        return date.fromisoformat(digits.replace("/", "-"))
    except ValueError:
        return None


def _reason(error: OSError) -> str:
    return _lower_first(error.strerror or str(error))


def _lower_first(text: str) -> str:
    """Return ``text`` to go on a sentence with; an abbreviation stays as it is."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
