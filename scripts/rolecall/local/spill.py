"""The folder beside a database for what does not fit in memory: text of events, on disk.

DuckDB removes what it puts there, unless it is killed. What tells the files of the dead from those
of the living is DuckDB's lock on the database: only who has that open puts anything there, and who
has it open for writing is alone.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from rolecall.errors import RolecallError

_READER = "reader-"
_DRAFT = "rewritten.duckdb"
# How DuckDB's names of such files begin, in every version so far, and ours.
_OURS = ("duckdb_temp_", _READER, _DRAFT)
_ATTEMPTS = 10


def claim(database: Path) -> Path | None:
    """Return the folder, empty, for a process that has the database open for writing.

    None where there can be none. Raises RolecallError if something else has its name.
    """
    folder = _folder(database)
    try:
        _make(folder)
        _sweep(folder)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return None
        raise RolecallError(
            f"{folder} cannot be the folder for what does not fit in memory:"
            f" {error.strerror or error}; remove it."
        ) from None
    return folder


def draft_of(database: Path) -> Path:
    """Return where a database may be written anew: in its folder, which has been claimed."""
    return _folder(database) / _DRAFT


def leave(database: Path) -> None:
    """Remove the folder, unless there is anything in it."""
    with suppress(OSError):
        _folder(database).rmdir()


@contextmanager
def reader_folder(database: Path) -> Iterator[Path | None]:
    """Give a reader, who has the database open, a folder of its own; None where it can have none.

    Where the database is somebody else's there is none: the folder would be in the owner's way.
    """
    own = None
    try:
        own = _new_reader_folder(database)
        yield own
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
            leave(database)


def _new_reader_folder(database: Path) -> Path | None:
    folder = _folder(database)
    with suppress(OSError):
        if database.stat().st_uid != os.geteuid():
            return None
        for _ in range(_ATTEMPTS):
            _make(folder)
            with suppress(FileNotFoundError):  # another reader has just left
                return Path(mkdtemp(prefix=_READER, dir=folder))
    return None


def _folder(database: Path) -> Path:
    return database.absolute().with_name(f"{database.name}.tmp")


def _make(folder: Path) -> None:
    """Make the folder, if need be, for its owner alone. Raises OSError if it is not ours."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EEXIST, "a link, or a file, has the name", str(folder))
    if status.st_uid != os.geteuid():
        raise OSError(errno.EEXIST, "it is somebody else's", str(folder))
    if stat.S_IMODE(status.st_mode) != stat.S_IRWXU:
        folder.chmod(0o700)


def _sweep(folder: Path) -> None:
    """Remove what the dead have left in the folder."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(opened) as entries:
            left = [entry for entry in entries if entry.name.startswith(_OURS)]
        for entry in left:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.name, dir_fd=opened)
            else:
                os.unlink(entry.name, dir_fd=opened)
    finally:
        os.close(opened)
