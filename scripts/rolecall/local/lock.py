"""The lock of the DuckDB file: one process at a time changes it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rolecall.errors import RolecallError
from rolecall.local.spill import leave
from rolecall.private_files import open_own

# Digits of a process id, and more.
_LONGEST_ID = 20


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep every other writer of the command line out of the database at ``path``.

    The lock belongs to the process: however that ends, nothing stays locked. Raises
    RolecallError at once if another process has it.
    """
    lock_file = _lock_file(path)
    try:
        stream = _locked(lock_file)
    except _HeldError as error:
        raise RolecallError(
            f"The database {path} is being changed by process {error}: try again when it is done."
        ) from None
    except OSError as error:
        raise RolecallError(
            f"The database {path} cannot be written: {error.strerror} ({lock_file})."
        ) from None
    with stream:
        stream.truncate(0)
        stream.write(str(os.getpid()).encode())
        stream.flush()
        try:
            yield
        finally:
            leave(path)
            lock_file.unlink(missing_ok=True)


def writer_of(path: Path) -> str | None:
    """Return the id of the process that is changing the database at ``path``, None if none is."""
    try:
        with open_own(_lock_file(path)) as stream:
            _lock(stream, fcntl.LOCK_SH)
    except _HeldError as error:
        return str(error)
    except OSError:
        return None
    return None


class _HeldError(Exception):
    """Another process, of which this is the id, has the lock."""


def _lock_file(database: Path) -> Path:
    return database.absolute().with_name(f"{database.name}.lock")


def _locked(lock_file: Path) -> IO[bytes]:
    """Return the lock file, locked. Raises _HeldError, and OSError for what is not such a file."""
    while True:
        stream = open_own(lock_file, make=True)
        try:
            _lock(stream, fcntl.LOCK_EX)
            # Its last holder removes it: what is locked must still be what has the name.
            if _has_name(stream, lock_file):
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


def _lock(stream: IO[bytes], kind: int) -> None:
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = stream.read(_LONGEST_ID)
        raise _HeldError(holder.decode() if holder.isdigit() else "unknown") from None


def _has_name(stream: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.lstat())
    except FileNotFoundError:
        return False
