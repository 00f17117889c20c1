"""Find the log file that Athena cannot read: in what it says, else by reading half of the files.

When a record is cut short, Athena names the character and not the file. So all fields of all
records are read again, of half of the files, and of half of the half that fails, down to one file.
What a condition on ``"$path"`` leaves out is not opened, and what fails costs nothing: each byte is
paid once at most. A record that is not JSON fails whichever field is asked for, as the SerDe takes
a line as a whole (Athena User Guide, "Hive JSON SerDe" and "OpenX JSON SerDe"; Trino and Presto,
``GenericHiveRecordCursor.advanceNextPosition``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rolecall.athena.load_days import Window
from rolecall.athena.unread import day_bounds, unread_rows
from rolecall.aws.athena_client import Athena
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.glue_catalogue import CatalogueTable, table_files
from rolecall.aws.query_errors import fault_of
from rolecall.aws.refusals import without_advice
from rolecall.days import Span
from rolecall.errors import ScanLimitError
from rolecall.parameters import Value
from rolecall.settings import Settings
from rolecall.sizes import size_text

_PATH = re.compile(r"s3://[a-z0-9.-]+/[^\s'\",;()\[\]]+")
# What Athena says of a file that is not a log, and of one that it could not get.
_BAD_FILE = re.compile(r"\b(HIVE_[A-Z_]*(?:BAD_DATA|CURSOR_ERROR|CANNOT_OPEN_SPLIT)[A-Z_]*)\b")


def unreadable_file(reason: str) -> tuple[str | None, str] | None:
    """Return the S3 URL of the file that a scan failed on, and what is wrong with it.

    The URL is None where Athena does not tell it: of a record cut short it names no file
    (HIVE_CURSOR_ERROR). None for any other reason, such as a file that this user may not read, or
    that could not be read at that moment.
    """
    reason = without_advice(reason)
    bad_file, path = _BAD_FILE.search(reason), _PATH.search(reason)
    if bad_file is None or fault_of(reason) is not None:
        return None
    url = None if path is None else path[0].rstrip(".:")
    return url, f"Athena cannot read it: {bad_file[1]}"


@dataclass(slots=True)
class BadFileSearch:
    """A search among the files of ``table`` that a load is to read in its ``window``.

    Without ``skip_log_files``, S3 URLs with their problems, and for ``most_bytes`` at most, where
    that is not None; ``scanned_bytes`` were read. Files whose URLs end as ``suspects`` come first.
    """

    athena: Athena
    settings: Settings
    table: CatalogueTable
    window: Window
    skip_log_files: Mapping[str, str]
    suspects: tuple[str, ...] = ()
    most_bytes: int | None = None
    scanned_bytes: int = 0

    def run(self, slice_days: int) -> str | None:
        """Return the S3 URL of a file that Athena cannot read, None if it can read each alone.

        Slice by slice of so many days, as the load reads them: the first one that has such a file
        ends the search. Raises ScanLimitError and what any query raises that fails otherwise.
        """
        # A record cut short fails whichever field is asked for, a value of the wrong type only
        # with its own: hence all.
        names = [name for name, _ in (*self.table.columns, *self.table.partition_keys)]
        fields = ", ".join(f'count("{name}")' for name in names)
        rows = unread_rows(self.settings, self.table, self.window, self.skip_log_files)
        sql = f'select {fields} {rows} and "$path" between :first_file and :last_file'
        is_by_day = bool(self.table.day_columns)
        for span in pieces(self.window, slice_days) if is_by_day else self.window:
            file = self._file_that_fails(sql, table_files(self.table, self.settings, span), span)
            if file is not None:
                return file
        return None

    def _file_that_fails(self, sql: str, sizes: Mapping[str, int], span: Span) -> str | None:
        """Return a file that Athena cannot read of those delivered on some days."""
        files = sorted(sizes.keys() - self.skip_log_files.keys())
        self._check_scan(sum(sizes[file] for file in files))
        for file in files:
            if file.endswith(self.suspects) and self._fails(sql, [file], span):
                return file
        return one_that_fails(files, lambda files: self._fails(sql, files, span))

    def _check_scan(self, wanted: int) -> None:
        if self.most_bytes is not None and self.scanned_bytes + wanted > self.most_bytes:
            raise ScanLimitError(
                "Athena cannot read a log file and does not name it, and to find it could scan"
                f" {size_text(wanted)} of {self.settings.table}, over what the load leaves of the"
                f" limit ({size_text(self.most_bytes)}): raise it with --max-scan"
                " (ROLECALL_MAX_SCAN), or load fewer days."
            )

    def _fails(self, sql: str, files: Sequence[str], span: Span) -> bool:
        """Return whether Athena fails on what is in files that follow each other."""
        try:
            # Athena ends by itself what takes too long: by the quota of the account.
            answer = self.athena.run(sql, _bounds(files, span), deadline=None)
        except QueryFailedError as error:
            if unreadable_file(error.reason) is None:
                raise
            return True
        self.scanned_bytes += answer.statistics.scanned_bytes
        return False


def _bounds(files: Sequence[str], span: Span) -> dict[str, Value]:
    return {
        "first_file": files[0],
        "last_file": files[-1],
        **day_bounds(span.first, span.last),
    }


def pieces(spans: Iterable[Span], most_days: int) -> Iterator[Span]:
    """Yield spans of days in pieces of so many days at most."""
    for span in spans:
        first = span.first
        while first <= span.last:
            last = min(first + timedelta(days=most_days - 1), span.last)
            yield Span(first, last, span.only)
            first = last + timedelta(days=1)


def one_that_fails(files: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> str | None:
    """Return a file that fails by itself, by asking of half of them at a time; None without one.

    ``fails`` tells it of files that follow each other. What failed by chance ends at a file that
    does not fail.
    """
    while len(files) > 1:
        half = len(files) // 2
        files = files[:half] if fails(files[:half]) else files[half:]
    return files[0] if files and fails(files) else None
