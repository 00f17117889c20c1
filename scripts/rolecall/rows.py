"""Rows of a query, however many: beyond some they are in a file without a name, not in memory."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from tempfile import SpooledTemporaryFile, gettempdir
from typing import Any

from rolecall.errors import RolecallError

Row = tuple[Any, ...]
Batch = list[Row]

BATCH_ROWS = 100
"""How many rows are held beside those that are kept: one may be of a megabyte."""

_KEPT_BYTES = 8 << 20


def keep_rows(batches: Iterable[Batch]) -> Collection[Row]:
    """Return all rows; of whatever reads them nothing has to stay open. Raises RolecallError."""
    rest = iter(batches)
    first = next(rest, [])
    second = next(rest, None)
    if second is None:
        return first
    return _SpooledRows(chain([first, second], rest))


class _SpooledRows(Collection[Row]):
    """Rows that can be read as often as need be, one batch at a time in memory."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        # Only its owner can open it as long as it has a name, and then nobody: it ends with the
        # process, whatever ends that.
        self._file = SpooledTemporaryFile(max_size=_KEPT_BYTES)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._count = 0
        try:
            for batch in batches:
                pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
                self._count += len(batch)
        except OSError as error:
            raise RolecallError(
                f"The rows of the answer cannot be kept in {gettempdir()}:"
                f" {error.strerror or error}; make room there, or name another folder in TMPDIR."
            ) from None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        position = 0
        # Whoever else reads them in between has moved the file's position.
        while True:
            self._file.seek(position)
            try:
                batch: Batch = pickle.load(self._file)
            except EOFError:
                return
            position = self._file.tell()
            yield from batch

    def __contains__(self, row: object) -> bool:
        return any(each == row for each in self)
