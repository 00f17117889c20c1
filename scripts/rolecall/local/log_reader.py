"""Unpack log files and hand their text to ``log_records.py``."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from isal import igzip, isal_zlib

from rolecall.local.json_parts import Record, UnreadableLogError
from rolecall.local.log_files import LogFile, reason
from rolecall.local.log_records import (
    MAX_RECORD_BYTES,
    MAX_RESOURCES,
    Records,
    many_members,
    parse_records,
)
from rolecall.local.unpacked import GZIP_MAGIC, GZIP_WINDOW_BITS, MOST_PACKED
from rolecall.memory import memory_parts
from rolecall.private_files import open_file
from rolecall.text import clean

MAX_LOG_BYTES = memory_parts().log_bytes
"""The largest log file that is read, in bytes once unpacked, where nothing else is said."""
# What is looked at of a gzip file that ends too early: little, since each member takes it anew.
_MEMBER_PIECE_BYTES = 4096
_PIECE_BYTES = 1 << 20
_REASON_LENGTH = 200
_RESOURCE_BYTES = len('{"arn":null,"account_id":null,"type":null},')
# A resource is a digit and a comma at least.
_MOST_GROWTH = _RESOURCE_BYTES // 2 + 1


class LogTooLargeError(UnreadableLogError):
    """A log file that has more bytes, once unpacked, than may be read."""


def read_records(file: LogFile, max_bytes: int = MAX_LOG_BYTES) -> Records:
    """Return the records of ``file``, each as the JSON text that was logged (UTF-8).

    An element of the list that is not a JSON object is returned too, so that it can be counted.
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
        raise UnreadableLogError(f"cannot open the file: {reason(error)}") from None
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
        for _ in range(MOST_PACKED):
            if not stream.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):  # type: ignore[attr-defined]
                break
            stream = streams.enter_context(igzip.IGzipFile(fileobj=stream, mode="rb"))
        yield stream


def _is_followed_by_other_bytes(path: str) -> bool:
    """Return whether a gzip file is whole, and what follows is neither padding nor a member."""
    with open_file(path) as stream:
        pieces = iter(lambda: stream.read(_MEMBER_PIECE_BYTES), b"")
        piece = next(pieces, b"")
        while piece.startswith(GZIP_MAGIC):
            member = isal_zlib.decompressobj(GZIP_WINDOW_BITS)
            while not member.eof:
                if not piece:
                    return False
                member.decompress(piece)
                piece = next(pieces, b"") if not member.eof else member.unused_data
            piece = piece.lstrip(b"\0")
            while len(piece) < len(GZIP_MAGIC) and (more := next(pieces, b"")):
                piece = (piece + more).lstrip(b"\0")
    return not GZIP_MAGIC.startswith(piece)
