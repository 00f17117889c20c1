"""Find and read CloudTrail log files on disk.

Everything here is about files: which of them are event logs, what their names say, and how they
are unpacked. Their text is read by ``log_records.py``.

Facts about keys come from the AWS CloudTrail User Guide, pages "Getting and viewing your CloudTrail
log files" and "CloudTrail record contents".
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from heapq import heappop, heappush
from pathlib import Path
from typing import BinaryIO

from isal import igzip, isal_zlib

from rolecall.files import NO_FILE, open_file
from rolecall.log_records import (
    MAX_RECORD_BYTES,
    MAX_RESOURCES,
    Look,
    Record,
    Records,
    UnreadableLogError,
    look_of,
    many_members,
    parse_records,
)
from rolecall.memory import memory_parts
from rolecall.text import clean

_Identity = tuple[int, int] | str

MAX_LOG_BYTES = memory_parts().log_bytes
"""The largest log file that is read, in bytes once unpacked, where nothing else is said."""

# The key of a trail's file from AWSLogs/ on, with or without an organisation.
_TRAIL_KEY = re.compile(
    r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/(?P<folder>[^/]+)/"
    r"(?:(?P<region>[^/]+)/(?P<day>\d{4}/\d\d/\d\d)/)?(?:.*/)?[^/]*",
    re.DOTALL | re.ASCII,
)
# ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM; digests and others differ in the second part.
_TRAIL_NAME = re.compile(
    r"(?P<account>\d{12})_(?P<folder>CloudTrail(?:-[A-Za-z]+)?|Config)_(?P<region>[^_]+)_"
    r"(?:(?P<day>\d{8})T\d{4,6}Z[_.])?",
    re.ASCII,
)
# The whole of such a name: it tells a log wherever it lies.
_LOG_NAME = re.compile(
    r"\d{12}_CloudTrail_[^_/]+_\d{8}T\d{4,6}Z_[A-Za-z0-9]+\.json(?:\.gz)?",
    re.IGNORECASE | re.ASCII,
)
# What AWS writes beside CloudTrail/, by the user guides of these services.
_OTHER_FOLDER = re.compile(
    "CloudTrail-.+|Config|GuardDuty|WAFLogs|elasticloadbalancing|network-firewall|redshift"
    "|vpcdnsquerylogs|vpcflowlogs",
    re.DOTALL,
)
DIGEST_FOLDER = "CloudTrail-Digest"
"""Where in a trail's layout its digest files are, and what their names have."""

LOG_SUFFIXES = (".json", ".jsonl", ".ndjson")
LOG_YEARS = range(2013, 2100)
"""The years that a log may be of: CloudTrail is of 2013, and a day far off fills no calendar."""
_LOG_SUFFIXES = tuple(suffix + gz for suffix in LOG_SUFFIXES for gz in ("", ".gz"))
_SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,9}(?=\.gz$))?\.[a-z0-9_-]{1,12}$")
# A byte as text: of a name that is no UTF-8, or a backslash.
_ESCAPED_BYTE = re.compile(r"\\x([89a-f][0-9a-f]|5c)")
_HEAD_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_KINDS_NAMED = 8
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW_BITS = 31
# Firehose packs once more what CloudWatch Logs sends packed.
_MOST_PACKED = 2
# What is looked at of a gzip file that ends too early: little, since each member takes it anew.
_MEMBER_PIECE_BYTES = 4096
_REASON_LENGTH = 200
_RESOURCE_BYTES = len('{"arn":null,"account_id":null,"type":null},')
# A resource is a digit and a comma at least.
_MOST_GROWTH = _RESOURCE_BYTES // 2 + 1


class LogTooLargeError(UnreadableLogError):
    """A log file that has more bytes, once unpacked, than may be read."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the key or the name of a log file says; None where it says nothing."""

    account_id: str | None
    aws_region: str | None
    delivered_date: date | None


_NO_FACTS = KeyFacts(None, None, None)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file on disk, before it is opened, or a folder that stands for what is in it.

    ``log_file`` is the key from ``AWSLogs/`` on, or the path below ``log_root`` for a file
    outside that layout; ``log_root`` may be the file itself. ``modified_at`` is in microseconds
    since 1970, UTC. ``problem`` says why the file cannot be opened, if that is known already.
    ``other_paths`` has copies of the file with its size and time, to be read where it cannot.
    ``identities`` say which files they are, and when anything of them was changed: a file that is
    put in the place of one, with its size and time, has another.
    """

    log_file: str
    path: str
    log_root: str
    facts: KeyFacts
    size_bytes: int | None
    modified_at: int | None
    problem: str | None = None
    other_paths: tuple[str, ...] = ()
    identities: tuple[str, ...] = field(default=(), compare=False)

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
        return trail_key(self.real_path) or log_file_key(self.path, log_root)

    def below(self, name: str) -> _Place:
        """Return the place of ``name``, which is no link, in this folder."""
        return _Place(os.path.join(self.path, name), os.path.join(self.real_path, name))


@dataclass(slots=True)
class _Listing:
    """What is in a folder: logs with their facts, folders and links to folders as places.

    ``digests`` has CloudTrail's digest files. ``passed_over`` has how many files there are of each
    other kind, digest files among them.
    """

    files: list[LogFile] = field(default_factory=list)
    digests: list[LogFile] = field(default_factory=list)
    folders: list[_Place] = field(default_factory=list)
    links: list[_Place] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Search:
    """What ``find_log_files`` was asked."""

    log_root: str
    once_closed: Collection[str]
    is_done: Callable[[LogFile], bool]


def is_folder_key(key: str) -> bool:
    """Return whether ``key`` is that of a folder, not of a log file."""
    return key.endswith("/")


def log_file_key(path: str, log_root: str) -> str:
    """Return the key that names a log file wherever its folder is moved to.

    ``path`` and ``log_root`` are absolute. The key starts at the last ``AWSLogs/`` that a
    trail's layout follows, else it is the path below ``log_root``, or its name if it is that.
    """
    if key := trail_key(path):
        return key
    folder = os.path.dirname(path) if path == log_root else log_root
    folder_mark = "/" if path.endswith(os.sep) else ""
    return os.path.relpath(path, folder).replace(os.sep, "/") + folder_mark


def loose_file_path(key: str, log_root: str) -> str:
    """Return where the file outside a trail's layout is that has ``key`` below ``log_root``."""
    return log_root if os.path.isfile(log_root) else os.path.join(log_root, path_of(key))


def trail_key(path: str) -> str | None:
    """Return the key that ``path`` has in a trail's layout, None outside of one."""
    posix = path.replace(os.sep, "/")
    start = posix.rfind("/AWSLogs/")
    while start >= 0:
        if _TRAIL_KEY.fullmatch(posix, start + 1):
            return posix[start + 1 :]
        start = posix.rfind("/AWSLogs/", 0, start)
    return None


def printable(path: str) -> str:
    r"""Return ``path`` as text that can be stored: bytes that are no UTF-8 become ``\xff``.

    Where a name has such a text itself, its backslash becomes ``\x5c``; ``path_of`` leads back.
    """
    escaped = _ESCAPED_BYTE.sub(lambda match: rf"\x5c{match[0][1:]}", path)
    return os.fsencode(escaped).decode("utf-8", "backslashreplace")


def path_of(text: str) -> str:
    """Return the path that ``printable`` made the text of."""
    parts = _ESCAPED_BYTE.split(text)
    # Every second part is the number of a byte.
    return os.fsdecode(
        b"".join(
            bytes.fromhex(part) if number % 2 else os.fsencode(part)
            for number, part in enumerate(parts)
        )
    )


def key_facts(key: str) -> KeyFacts | None:
    """Return what ``key`` says of a log file, or None if it names no event log.

    Digest, Insight, Config and other files of a trail are no event logs, unless their name is all
    that CloudTrail gives to one.
    """
    name = key.rpartition("/")[2]
    in_layout, in_name = _TRAIL_KEY.fullmatch(key), _TRAIL_NAME.match(name)
    if not _LOG_NAME.fullmatch(name) and _other_kind(key) is not None:
        return None
    told = [
        KeyFacts(match["account"], match["region"], log_date(match["day"]))
        for match in (in_layout, in_name)
        if match and match["day"] and match["folder"] == "CloudTrail"
    ]
    # With a day that no log is of it tells whose it is all the same.
    told.sort(key=lambda facts: facts.delivered_date is None)
    account_alone = KeyFacts(in_layout["account"] if in_layout else None, None, None)
    return told[0] if told else account_alone


def _other_kind(key: str) -> str | None:
    """Return what AWS calls the files that ``key`` is one of, None if it may be an event log."""
    name = _TRAIL_NAME.match(key.rpartition("/")[2])
    for match in (_TRAIL_KEY.fullmatch(key), name):
        if match and _OTHER_FOLDER.fullmatch(match["folder"]):
            return match["folder"]
    return None


def _is_named_log(file: LogFile) -> bool:
    """Return whether key and name say that it is an event log, whatever is in it."""
    if _LOG_NAME.fullmatch(file.log_file.rpartition("/")[2]):
        return True
    in_layout = _TRAIL_KEY.fullmatch(file.log_file)
    is_in_trail = in_layout is not None and in_layout["folder"] == "CloudTrail"
    return is_in_trail and _has_log_suffix(file)


def _has_log_suffix(file: LogFile) -> bool:
    """Return whether the file, or a link to it, has the suffix of a log."""
    return any(name.lower().endswith(_LOG_SUFFIXES) for name in (file.path, file.log_file))


def find_log_files(
    log_root: Path,
    once_closed: Collection[str] = (),
    is_done: Callable[[LogFile], bool] = lambda file: False,
    passed_over: Counter[str] | None = None,
    digests: list[LogFile] | None = None,
) -> Iterator[LogFile]:
    """Yield every event log at or below ``log_root``, in no particular order.

    Where no name tells a log, the first bytes of the file do, unless ``is_done`` says that it was
    read. A file that has the suffix of a log is one, but for other JSON outside of a trail. All
    others are counted by kind in ``passed_over``, digest files are put into ``digests`` too.
    A folder that may not be listed and a file that may not be examined are yielded too, with a
    ``problem``: they get recorded, not passed over in silence. A folder that is listed is yielded
    too if its key is in ``once_closed``. Links are followed, each folder is taken once: by a path
    with ``AWSLogs/`` if one leads there. Raises FileNotFoundError if ``log_root`` does not exist.
    """
    search = _Search(os.path.abspath(log_root), once_closed, is_done)
    for listing in _listings(search):
        if passed_over is not None:
            passed_over.update(listing.passed_over)
        if digests is not None:
            digests += listing.digests
        yield from listing.files


def read_records(file: LogFile, max_bytes: int = MAX_LOG_BYTES) -> Records:
    """Return the records of ``file``, each as the JSON text that was logged (UTF-8).

    An element of the list that is no JSON object is returned too, so that it can be counted.
    A folder that could be listed has none of its own. Raises UnreadableLogError where neither the
    file nor a copy at ``other_paths`` gives a list of records, or has more than ``max_bytes``
    unpacked: whatever goes wrong in reading a file is a problem of that file alone.
    """
    if file.problem is not None:
        raise UnreadableLogError(file.problem)
    if file.is_folder:
        return Records()
    try:
        return _records_at(file.path, max_bytes)
    except UnreadableLogError:
        for path in file.other_paths:
            with suppress(UnreadableLogError):
                return _records_at(path, max_bytes)
        raise


def _records_at(path: str, max_bytes: int) -> Records:
    try:
        text = _text_of(path, max_bytes)
        records = parse_records(text)
        if len(text) * _MOST_GROWTH > max_bytes < sum(map(_stored_bytes, records)):
            raise LogTooLargeError(
                f"the lists of resources in the file are larger than {max_bytes:,} bytes as they"
                " are stored: split it, or set ROLECALL_MEMORY to eight times their size"
            )
        return records
    except UnreadableLogError:
        raise
    except MemoryError:
        raise UnreadableLogError("there is not enough memory to read the file") from None
    except RecursionError:
        raise UnreadableLogError("the file is nested too deeply to be read") from None
    except Exception as error:  # logs are written by others, and may find a fault in any reader
        raise UnreadableLogError(f"the file cannot be read: {_unforeseen(error)}") from error


def _stored_bytes(record: Record) -> int:
    """Return how long a record's texts become at most: a resource has all its members there."""
    size = len(memoryview(record))
    if size > MAX_RECORD_BYTES:
        return 0  # it is left out
    members, may_be_resources = many_members(bytes(record))
    return size + (min(members, MAX_RESOURCES) * _RESOURCE_BYTES if may_be_resources else 0)


def _unforeseen(error: Exception) -> str:
    """Return what went wrong in a line that is short and harmless to print."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:_REASON_LENGTH]
    return clean(text).rstrip(": ")


def _text_of(path: str, max_bytes: int) -> bytes:
    """Return what is in the file at ``path``, unpacked. Raises UnreadableLogError."""
    try:
        with _unpacked(path) as stream:
            # Asked for at once, it is in memory once; what is not there takes none.
            text = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise UnreadableLogError("the file vanished before it could be read") from None
    except EOFError:
        if _is_followed_by_other_bytes(path):
            raise UnreadableLogError(
                "the gzip file is damaged: other bytes follow its data"
            ) from None
        raise UnreadableLogError("the gzip file is truncated") from None
    except (gzip.BadGzipFile, isal_zlib.error) as error:  # type: ignore[misc]
        raise UnreadableLogError(f"the gzip file is damaged: {error}") from None
    except OSError as error:
        raise UnreadableLogError(f"cannot open the file: {_reason(error)}") from None
    if len(text) > max_bytes:
        raise LogTooLargeError(
            f"the file is larger than {max_bytes:,} bytes unpacked: split it, or set"
            " ROLECALL_MEMORY to eight times its size"
        )
    return text


def sha256(file: LogFile) -> str | None:
    """Return the SHA-256 of a file's bytes, in hexadecimal; None if it cannot be read."""
    try:
        with open_file(file.path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def is_same_once_unpacked(first: LogFile, second: LogFile) -> bool:
    """Return whether two files have one text, packed or not; read piece by piece.

    A file that cannot be read, or is larger than any that is, is not the same as another.
    """
    if first.problem is not None or second.problem is not None:
        return False
    try:
        with _unpacked(first.path) as one, _unpacked(second.path) as other:
            for _ in range(0, MAX_LOG_BYTES, _PIECE_BYTES):
                piece = one.read(_PIECE_BYTES)
                if piece != other.read(_PIECE_BYTES):
                    return False
                if not piece:
                    return True
    except (OSError, EOFError, isal_zlib.error):  # type: ignore[misc]
        pass
    return False


@contextmanager
def _unpacked(path: str) -> Iterator[BinaryIO]:
    """Open a log file to be read unpacked: all bytes of all files pass through here."""
    with ExitStack() as streams:
        stream: BinaryIO = streams.enter_context(open_file(path))
        for _ in range(_MOST_PACKED):
            if not stream.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):  # type: ignore[attr-defined]
                break
            stream = streams.enter_context(igzip.IGzipFile(fileobj=stream, mode="rb"))
        yield stream


def _is_followed_by_other_bytes(path: str) -> bool:
    """Return whether a gzip file is whole, and what follows is neither padding nor a member."""
    with open_file(path) as stream:
        pieces = iter(lambda: stream.read(_MEMBER_PIECE_BYTES), b"")
        piece = next(pieces, b"")
        while piece.startswith(_GZIP_MAGIC):
            member = isal_zlib.decompressobj(_GZIP_WINDOW_BITS)
            while not member.eof:
                if not piece:
                    return False
                member.decompress(piece)
                piece = next(pieces, b"") if not member.eof else member.unused_data
            piece = piece.lstrip(b"\0")
            while len(piece) < len(_GZIP_MAGIC) and (more := next(pieces, b"")):
                piece = (piece + more).lstrip(b"\0")
    return not _GZIP_MAGIC.startswith(piece)


def kinds_text(passed_over: Counter[str]) -> str:
    """Return in words how many files there are of each kind, the most frequent kinds first."""
    kinds = sorted(passed_over.items(), key=lambda kind: (-kind[1], kind[0]))
    texts = [f"{count:,} {kind}" for kind, count in kinds[:_KINDS_NAMED]]
    if rest := sum(count for _, count in kinds[_KINDS_NAMED:]):
        texts.append(f"{rest:,} of other kinds")
    return ", ".join(texts)


def _listings(search: _Search) -> Iterator[_Listing]:
    """Yield what is in each folder, once each, or in the one file that is the root."""
    root = search.log_root
    if os.path.isfile(root):
        listing = _Listing()
        _add_file(listing, _followed(root), search)
        yield listing
        return
    if not os.path.isdir(root):
        raise FileNotFoundError(root)
    loose: dict[_Identity, _Listing] = {}
    for identity, is_of_trail, listing in _folders(search):
        if is_of_trail:
            loose.pop(identity, None)
            yield listing
        else:
            loose[identity] = listing
    yield from loose.values()


def _folders(search: _Search) -> Iterator[tuple[_Identity, bool, _Listing]]:
    """Yield each folder's identity, whether it is at or below an ``AWSLogs/``, and what is in it.

    One that is reached outside of such a folder comes again if a link leads to it in one.
    """
    seen: dict[_Identity, bool] = {}
    folders, links = [_followed(search.log_root)], list[_Place]()
    while folders or links:
        # Links wait, the first path first, so that no order of a listing decides on a key.
        folder = folders.pop() if folders else heappop(links)
        identity = _identity(folder.path)
        is_of_trail = "/AWSLogs/" in f"/{folder.below('').key(search.log_root)}"
        if seen.get(identity, False) or (identity in seen and not is_of_trail):
            continue
        seen[identity] = is_of_trail
        listing = _listed(folder, search)
        folders += listing.folders
        for link in listing.links:
            heappush(links, link)
        yield identity, is_of_trail, listing


def _identity(folder: str) -> _Identity:
    """Return what a folder is whatever path leads to it; the path where that may not be asked."""
    try:
        status = os.stat(folder)
    except OSError:
        return folder
    return status.st_dev, status.st_ino


def _followed(path: str) -> _Place:
    return _Place(path, os.path.realpath(path))


def _listed(folder: _Place, search: _Search) -> _Listing:
    listing = _Listing()
    try:
        entries = list(os.scandir(folder.path))
    except OSError as error:
        problem = f"cannot list the folder: {_reason(error)}"
        listing.files += _folder_itself(folder, search, problem)
        return listing
    if search.once_closed:
        listing.files += (
            itself
            for itself in _folder_itself(folder, search)
            if itself.log_file in search.once_closed
        )
    for entry in entries:
        is_folder = _is_folder(entry)
        if not is_folder and entry.name.startswith("."):
            listing.passed_over["hidden"] += 1
            continue
        is_link = entry.is_symlink()
        place = _followed(entry.path) if is_link else folder.below(entry.name)
        if not is_folder:
            _add_file(listing, place, search)
        elif is_link:
            listing.links.append(place)
        else:
            listing.folders.append(place)
    return listing


def _folder_itself(
    folder: _Place, search: _Search, problem: str | None = None
) -> Iterator[LogFile]:
    """Yield what stands for a folder, nothing if no event log can be in it."""
    place = folder.below("")
    key = printable(place.key(search.log_root))
    facts = key_facts(key)
    if facts is not None:
        yield LogFile(key, place.path, search.log_root, facts, None, None, problem)


def _add_file(listing: _Listing, place: _Place, search: _Search) -> None:
    """Add the file at ``place`` to the logs, or to the kinds that are passed over."""
    key = printable(place.key(search.log_root))
    facts = key_facts(key)
    if facts is None:
        kind = _other_kind(key)
        listing.passed_over[kind or _suffix(key)] += 1
        if kind == DIGEST_FOLDER:
            listing.digests.append(_examined(place, key, _NO_FACTS, search))
        return
    file = _examined(place, key, facts, search)
    kind = None if _is_named_log(file) or search.is_done(file) else _kind_of_other(file)
    if kind is None:
        listing.files.append(file)
    else:
        listing.passed_over[kind] += 1


def _examined(place: _Place, key: str, facts: KeyFacts, search: _Search) -> LogFile:
    size_bytes = modified_at = problem = None
    identities: tuple[str, ...] = ()
    try:
        status = os.stat(place.path)
        identities = (f"{status.st_dev}:{status.st_ino}:{status.st_ctime_ns}",)
        size_bytes, modified_at = status.st_size, status.st_mtime_ns // 1000
        if not stat.S_ISREG(status.st_mode):  # reading a pipe could wait for ever
            problem = NO_FILE
    except OSError as error:
        problem = f"cannot examine the file: {_reason(error)}"
    return LogFile(
        *(key, place.path, search.log_root, facts, size_bytes, modified_at, problem),
        identities=identities,
    )


def _kind_of_other(file: LogFile) -> str | None:
    """Return what kind of file it is whose name tells no log, None if it is one all the same."""
    has_log_suffix = _has_log_suffix(file)
    head = _head(file)
    if head is None:
        return None if has_log_suffix else "unreadable"
    match look_of(head):
        case Look.LOG:
            return None
        case Look.OTHER_JSON if has_log_suffix:
            return "other JSON"
    return None if has_log_suffix else _suffix(file.log_file)


def _head(file: LogFile) -> bytes | None:
    """Return the first bytes of a file, unpacked; None if it cannot be read."""
    if file.problem is not None:
        return None
    try:
        with open_file(file.path) as stream:
            # Some files of the kernel have nothing to read yet, and say so by None.
            head = stream.read(_HEAD_BYTES) or b""
        for _ in range(_MOST_PACKED):
            if head.startswith(_GZIP_MAGIC):
                head = _gunzipped_head(head)
    except Exception:  # whatever it is, it is this file's problem and no other's
        return None
    return head


def _gunzipped_head(head: bytes) -> bytes:
    """Return the first bytes of what is packed in a gzip file that begins with ``head``."""
    text = b""
    while head and len(text) < _HEAD_BYTES:
        member = isal_zlib.decompressobj(_GZIP_WINDOW_BITS)
        try:
            text += member.decompress(head, _HEAD_BYTES - len(text))
        except isal_zlib.error:  # type: ignore[misc]
            break
        head = member.unused_data.lstrip(b"\0")
    return text


def _suffix(key: str) -> str:
    """Return the suffix of a file's name, that of what is packed with it."""
    suffix = _SUFFIX.search(key.rpartition("/")[2].lower())
    return suffix[0] if suffix else "without suffix"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def log_date(digits: str) -> date | None:
    """Return the day in a key or name of a log, None if no log is of it, as of 2026/02/30."""
    try:
        day = date.fromisoformat(digits.replace("/", "-"))
    except ValueError:
        return None
    return day if day.year in LOG_YEARS else None


def _reason(error: OSError) -> str:
    return _lower_first(error.strerror or str(error))


def _lower_first(text: str) -> str:
    """Return ``text`` to go on a sentence with; an abbreviation stays as it is."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
