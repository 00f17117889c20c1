"""How far a load has come: a bar on a terminal, a line a slice elsewhere, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from rolecall.local.log_files import LogFile
from rolecall.text import live_console, note

if TYPE_CHECKING:
    from rich.progress import Progress


class LoadProgress(AbstractContextManager["LoadProgress"]):
    """Follows the files of a load; ``size_of`` weighs a file, in bytes."""

    def __init__(self, files: Sequence[LogFile], size_of: Callable[[LogFile], int]) -> None:
        self._size_of = size_of
        self._file_count = len(files)
        self._total_bytes = sum(map(size_of, files))
        self._files_done = self._bytes_done = 0
        self._bar: Progress | None = None

    def __enter__(self) -> LoadProgress:
        self._started = time.monotonic()
        if self._file_count and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task("Loading", total=self._total_bytes)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, file: LogFile) -> None:
        """Note that a file was read. Called from the thread that reads."""
        self._files_done += 1
        self._bytes_done += self._size_of(file)
        if self._bar is not None:
            self._bar.update(self._task, completed=self._bytes_done)

    def slice_done(self, number: int, count: int) -> None:
        """Say how far the load is, if it has several slices and this is not a terminal."""
        if self._bar is not None or count < 2:
            return
        seconds = time.monotonic() - self._started
        rate = self._bytes_done / seconds
        left = timedelta(seconds=round((self._total_bytes - self._bytes_done) / max(rate, 1)))
        note(
            f"Slice {number:,} of {count:,}: {self._files_done:,} of {self._file_count:,}"
            f" log files, {rate / 1e6:.1f} MB/s, {left} left."
        )


def _bar() -> Progress:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=live_console(),
        transient=True,
        # What others print meanwhile is cleaned where it is written.
        redirect_stdout=False,
        redirect_stderr=False,
    )
