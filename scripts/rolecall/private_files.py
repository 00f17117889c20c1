"""Files where others may write too: made for their owner alone, and opened if they are files."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import IO

_MODE = 0o600
# Whoever opens a pipe that somebody has put there is not to wait for its other end.
_OF_OUR_OWN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


NO_FILE = "not a regular file"
"""What is said of a pipe, a device or a folder where a file should be."""


def open_file(path: str) -> BufferedReader:
    """Return the file at ``path``, open for reading.

    Raises OSError, also for what is not a file: a pipe could be waited for without end.
    """
    return open(path, "rb", opener=_opened_file)


def _opened_file(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, NO_FILE, path)


def new_file(path: Path) -> IO[bytes]:
    """Return a new file at ``path``, open for writing; what had the name is gone, links as such.

    Raises OSError, if somebody else was quicker too.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OF_OUR_OWN, _MODE), "wb")


def open_own(path: Path, *, make: bool = False) -> IO[bytes]:
    """Return the file at ``path``, open for reading and writing; ``make`` it where there is none.

    Raises OSError for a link, a hard one too, and for what is not a file.
    """
    descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0) | _OF_OUR_OWN, _MODE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise OSError(errno.EEXIST, "a link, or no file at all, has the name", str(path))
        return os.fdopen(descriptor, "r+b")
    except BaseException:
        os.close(descriptor)
        raise
