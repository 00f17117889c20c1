"""Find CloudTrail log files on disk.

Which files are event logs; ``log_reader.py`` reads them.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path

from isal import isal_zlib

from rolecall.local.log_records import Look, look_of
from rolecall.local.unpacked import GZIP_MAGIC, GZIP_WINDOW_BITS, MOST_PACKED
from rolecall.private_files import NO_FILE, open_file
from rolecall.trail_layout import (
    DIGEST_FOLDER,
    NO_FACTS,
    KeyFacts,
    is_in_log_folder,
    is_log_name,
    key_facts,
    other_kind,
    trail_key,
)

_Identity = tuple[int, int] | str


LOG_SUFFIXES = (".json", ".jsonl", ".ndjson")
_LOG_SUFFIXES = tuple(suffix + gz for suffix in LOG_SUFFIXES for gz in ("", ".gz"))
_SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,9}(?=\.gz$))?\.[a-z0-9_-]{1,12}$")
# A byte as text: of a name that is not UTF-8, or a backslash.
_ESCAPED_BYTE = re.compile(r"\\x([89a-f][0-9a-f]|5c)")
_HEAD_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_KINDS_NAMED = 8


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
class _DiskPath:
    """A path as it was found below the folder of logs, and what it is without links."""

    path: str
    real_path: str

    def key(self, log_root: str) -> str:
        """Return the key, that of a trail if either path is in a trail's layout."""
        return trail_key(self.real_path) or log_file_key(self.path, log_root)

    def below(self, name: str) -> _DiskPath:
        """Return the path of ``name``, which is not a link, in this folder."""
        return _DiskPath(os.path.join(self.path, name), os.path.join(self.real_path, name))


@dataclass(slots=True)
class _Listing:
    """What is in a folder: logs with their facts, folders and links to folders as paths.

    ``digests`` has CloudTrail's digest files. ``passed_over`` has how many files there are of each
    other kind, digest files among them.
    """

    files: list[LogFile] = field(default_factory=list)
    digests: list[LogFile] = field(default_factory=list)
    folders: list[_DiskPath] = field(default_factory=list)
    links: list[_DiskPath] = field(default_factory=list)
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


def printable(path: str) -> str:
    r"""Return ``path`` as text that can be stored: bytes that are not UTF-8 become ``\xff``.

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


def _is_named_log(file: LogFile) -> bool:
    """Return whether key and name say that it is an event log, whatever is in it."""
    if is_log_name(file.log_file):
        return True
    return is_in_log_folder(file.log_file) and _has_log_suffix(file)


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
        _add_file(listing, _resolve(root), search)
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
    folders, links = [_resolve(search.log_root)], list[_DiskPath]()
    while folders or links:
        # Links wait, the first path first, so that no order of a listing decides on a key.
        folder = folders.pop() if folders else heappop(links)
        identity = _identity(folder.path)
        is_of_trail = "/AWSLogs/" in f"/{folder.below('').key(search.log_root)}"
        if seen.get(identity, False) or (identity in seen and not is_of_trail):
            continue
        seen[identity] = is_of_trail
        listing = _list_folder(folder, search)
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


def _resolve(path: str) -> _DiskPath:
    return _DiskPath(path, os.path.realpath(path))


def _list_folder(folder: _DiskPath, search: _Search) -> _Listing:
    listing = _Listing()
    try:
        entries = list(os.scandir(folder.path))
    except OSError as error:
        problem = f"cannot list the folder: {reason(error)}"
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
        disk_path = _resolve(entry.path) if is_link else folder.below(entry.name)
        if not is_folder:
            _add_file(listing, disk_path, search)
        elif is_link:
            listing.links.append(disk_path)
        else:
            listing.folders.append(disk_path)
    return listing


def _folder_itself(
    folder: _DiskPath, search: _Search, problem: str | None = None
) -> Iterator[LogFile]:
    """Yield what stands for a folder, nothing if no event log can be in it."""
    disk_path = folder.below("")
    key = printable(disk_path.key(search.log_root))
    facts = key_facts(key)
    if facts is not None:
        yield LogFile(key, disk_path.path, search.log_root, facts, None, None, problem)


def _add_file(listing: _Listing, disk_path: _DiskPath, search: _Search) -> None:
    """Add the file at ``disk_path`` to the logs, or to the kinds that are passed over."""
    key = printable(disk_path.key(search.log_root))
    facts = key_facts(key)
    if facts is None:
        kind = other_kind(key)
        listing.passed_over[kind or _suffix(key)] += 1
        if kind == DIGEST_FOLDER:
            listing.digests.append(_examine(disk_path, key, NO_FACTS, search))
        return
    file = _examine(disk_path, key, facts, search)
    kind = None if _is_named_log(file) or search.is_done(file) else _kind_of_other(file)
    if kind is None:
        listing.files.append(file)
    else:
        listing.passed_over[kind] += 1


def _examine(disk_path: _DiskPath, key: str, facts: KeyFacts, search: _Search) -> LogFile:
    size_bytes = modified_at = problem = None
    identities: tuple[str, ...] = ()
    try:
        status = os.stat(disk_path.path)
        identities = (f"{status.st_dev}:{status.st_ino}:{status.st_ctime_ns}",)
        size_bytes, modified_at = status.st_size, status.st_mtime_ns // 1000
        if not stat.S_ISREG(status.st_mode):  # reading a pipe could wait for ever
            problem = NO_FILE
    except OSError as error:
        problem = f"cannot examine the file: {reason(error)}"
    return LogFile(
        *(key, disk_path.path, search.log_root, facts, size_bytes, modified_at, problem),
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
        for _ in range(MOST_PACKED):
            if head.startswith(GZIP_MAGIC):
                head = _gunzipped_head(head)
    except Exception:  # whatever it is, it is this file's problem and no other's
        return None
    return head


def _gunzipped_head(head: bytes) -> bytes:
    """Return the first bytes of what is packed in a gzip file that begins with ``head``."""
    text = b""
    while head and len(text) < _HEAD_BYTES:
        member = isal_zlib.decompressobj(GZIP_WINDOW_BITS)
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


def reason(error: OSError) -> str:
    """Return why a file cannot be opened, as a part of a sentence."""
    return _lower_first(error.strerror or str(error))


def _lower_first(text: str) -> str:
    """Return ``text`` to go on a sentence with; an abbreviation stays as it is."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
