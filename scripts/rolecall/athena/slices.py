"""Load what is new on Athena in slices, oldest day first, without the files it cannot read."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from rolecall.athena.archived_logs import ArchivedLogs
from rolecall.athena.bad_file import BadFileSearch, unreadable_file
from rolecall.athena.load_days import (
    Slice,
    Window,
    next_slice,
    slice_of_days,
    without_days,
)
from rolecall.athena.unread import UnreadLogs
from rolecall.aws.athena_client import Athena
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.aws.query_errors import fault_of
from rolecall.days import Span
from rolecall.errors import RolecallError, ScanLimitError
from rolecall.project.days_to_read import days_to_read
from rolecall.project.location import project_variables
from rolecall.settings import Settings
from rolecall.text import note

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

STAGED_EVENTS, STAGED_FILES = "stg_cloudtrail__events", "stg_cloudtrail__log_reads"
ARCHIVED = "archived_logs"
MOST_UNREADABLE = 100
"""How many files that Athena cannot read a refresh leaves out: each costs it another try."""

_Scanned = TypeVar("_Scanned")

RunDbt = Callable[..., "dbtRunnerResult"]
"""Runs a dbt command as ``run_dbt`` does; raises RolecallError with the reason if it fails."""

# Tests of what is not selected are left out; those of what is excluded and of more are not.
_CAUTIOUS = ("--indirect-selection", "cautious")
# What a run of dbt for a slice builds and tests, beside the records staged before: tests that
# compare the store with what follows from it wait for the last slice, and so does what is archived.
_STORE = ("path:models/store", "tag:load", "--exclude", ARCHIVED)
# What fails of a slice, and not of what is rebuilt from all slices.
_OF_A_SLICE = re.compile(r"\b(?:events|log_reads|stg_cloudtrail__\w+): ")
# What fewer days at a time may mend: time, memory, partitions.
_TOO_MUCH = re.compile(
    r"(?i)query timeout|exceeded_time_limit|exhausted[ _]resources|exceeded_\w*memory"
    r"|too_many_\w*partitions|exceeded_partition_limit|exceeds? the maximum .* partitions"
)


@dataclass(slots=True)
class LoadResult:
    """What a load came to; ``is_new`` says whether there is anything to build from it.

    ``unreadable`` are the files left out, by S3 URL, each with its problem; ``raw_bytes`` were
    scanned of the CloudTrail table.
    """

    raw_bytes: int = 0
    test_count: int = 0
    is_new: bool = False
    unreadable: dict[str, str] = field(default_factory=dict)


class SliceLoad:
    """A load: slice by slice into the store and the ledger, then all that follows from them.

    It looks at the days of ``window`` in ``table``. Each slice is complete before the next is
    begun, so that a load that was ended goes on where it was. One that is too much for Athena's
    limits is tried again with half as many days. Beside its logs the load scans ``spare_bytes`` at
    most, where that is not None. Days that have nothing but ``archived`` logs it does not look at;
    what changed in these it enters when all others are read.
    """

    def __init__(
        self,
        settings: Settings,
        run: RunDbt,
        athena: Athena,
        table: CatalogueTable,
        window: Window,
        *,
        spare_bytes: int | None = None,
        archived: ArchivedLogs | None = None,
    ) -> None:
        self._settings = settings
        self._slice_days = int(settings.slice_days or project_variables()["slice_days"])
        self._archived = ArchivedLogs() if archived is None else archived
        self._run_dbt = run
        self._athena = athena
        self._table = table
        # What no slice has loaded yet.
        self._left = without_days(window, self._archived.left_out)
        self._spare_bytes = spare_bytes
        self._unread = UnreadLogs(athena, settings, table, self._left)
        self._days_to_read = ""
        self._progress = _Progress()
        self.loaded = LoadResult()

    def load(self) -> LoadResult:
        """Load every slice but the last, and stage the last one. Raises RolecallError."""
        self.loaded.is_new |= bool(self._archived.changes)
        if self._table.day_columns:
            self._load_by_day()
        else:
            self._load_landed()
        return self.loaded

    def build(self) -> LoadResult:
        """Load the last slice, and build and test everything. Raises RolecallError."""
        *first_parts, archived = self._archived.parts()
        for part in first_parts:
            self._run(["run", "--select", ARCHIVED], archived_logs=part)
        while True:
            try:
                if archived:
                    self._build("--exclude", STAGED_EVENTS, archived_logs=archived)
                else:
                    left_alone = [ARCHIVED] if self._archived.is_known else []
                    self._build("--exclude", STAGED_EVENTS, *left_alone)
            except RolecallError as error:
                if not _OF_A_SLICE.search(str(error)) or not self._halve_slices(error):
                    raise
                self.load()
            else:
                return self.loaded

    def _load_by_day(self) -> None:
        """Scan and load slice by slice."""
        while True:
            try:
                slice_, row_count = self._without_bad_files(self._stage_slice)
                is_new = row_count != 0 or bool(self._new_problems())
                self.loaded.is_new |= is_new
                if not slice_.rest:
                    return
                if is_new:
                    self._build("--select", STAGED_FILES, *_STORE)
            except RolecallError as error:
                if not self._halve_slices(error):
                    raise
                continue
            self._progress.slice_done(slice_)
            self._left = slice_.rest

    def _load_landed(self) -> None:
        """Scan everything once, and load that slice by slice."""
        self._read(self._left)
        row_count = self._without_bad_files(self._stage)
        self.loaded.is_new |= row_count != 0 or bool(self._new_problems())
        days = self._staged_days() if row_count else []
        left: Window = (Span(days[0], days[-1]),) if days else ()
        while left:
            slice_ = slice_of_days(left, self._slice_days, days)
            if not slice_.rest:
                self._read(self._left)
                return
            self._read(self._left, staged_before=slice_.rest[0].first)
            try:
                self._build("--select", STAGED_FILES, *_STORE)
            except RolecallError as error:
                if not self._halve_slices(error):
                    raise
                continue
            self._progress.slice_done(slice_)
            left = slice_.rest

    def _stage_slice(self) -> tuple[Slice, int]:
        """Scan the next slice; return it and how many records it has."""
        slice_ = next_slice(
            self._left,
            self._slice_days,
            self._table.most_days_in_a_scan,
            self._has_unread_logs,
        )
        self._read(slice_.spans)
        return slice_, self._stage()

    def _has_unread_logs(self, days: Window) -> bool:
        """Ask whether some days have a log to be read; what fails is said as of a scan by dbt."""
        try:
            return self._unread.any_of(days, self.loaded.unreadable)
        except QueryFailedError as error:
            fault = fault_of(error.reason)
            what = f"{STAGED_EVENTS}: {error.reason}" if fault is None else fault.sentence
            raise RolecallError(f"The refresh failed: {what}") from error

    def _stage(self) -> int:
        """Scan the raw table; return how many records it found."""
        (result,) = self._run(["run", "--select", STAGED_EVENTS]).result.results
        response = result.adapter_response
        self.loaded.raw_bytes += int(response.get("data_scanned_in_bytes") or 0)
        return int(response.get("rows_affected") or 0)

    def _without_bad_files(self, scan: Callable[[], _Scanned]) -> _Scanned:
        """Scan, again without each file that Athena cannot read; return what it found."""
        while True:
            try:
                return scan()
            except RolecallError as error:
                self._leave_out(error)

    def _read(self, spans: Window, staged_before: date | None = None) -> None:
        """Let dbt read these days from now on."""
        self._days_to_read = days_to_read(self._table, spans, staged_before)

    def _build(self, *selected: str, **options: Any) -> None:
        command = ["build", "--exclude-resource-type", "unit_test", *_CAUTIOUS, *selected]
        built = self._run(command, **options)
        self.loaded.test_count += sum(
            result.node.resource_type == "test" for result in built.result.results
        )

    def _run(self, arguments: list[str], **options: Any) -> dbtRunnerResult:
        return self._run_dbt(
            arguments,
            self._settings,
            days_to_read=self._days_to_read,
            skip_log_files=self.loaded.unreadable,
            **options,
        )

    def _leave_out(self, error: RolecallError) -> None:
        """Note the file that a scan failed on as one to leave out; raise if that cannot be."""
        bad_file = unreadable_file(str(error))
        if bad_file is None:
            raise error
        path, problem = bad_file
        known = self._known_as_unreadable()
        if path is None:
            path = self._search_bad_file(error, known)
        # What was left out once on somebody's word is tried each time, and left out again.
        if not self._settings.skip_unreadable and not path.endswith(known):
            raise RolecallError(
                f"{error} `rolecall refresh --skip-unreadable` goes on without {path}."
            ) from error
        if path in self.loaded.unreadable or len(self.loaded.unreadable) == MOST_UNREADABLE:
            raise error
        self.loaded.unreadable[path] = problem

    def _search_bad_file(self, error: RolecallError, suspects: tuple[str, ...]) -> str:
        """Return the file that a scan failed on, which Athena did not name."""
        note(
            "Athena cannot read a log file and does not name it: looking for it in half of the"
            " files, and in half of these."
        )
        search = BadFileSearch(
            self._athena,
            self._settings,
            self._table,
            self._left,
            self.loaded.unreadable,
            suspects,
            self._spare_bytes,
        )
        path = search.run(self._slice_days)
        self.loaded.raw_bytes += search.scanned_bytes
        if self._spare_bytes is not None:
            self._spare_bytes -= search.scanned_bytes
        if path is None:
            raise RolecallError(
                f"{error} Athena does not say in which log file, and can read each of them by"
                " itself: run the command again."
            ) from error
        return path

    def _new_problems(self) -> list[str]:
        """Return the files left out that the ledger does not have as unreadable yet."""
        if not self.loaded.unreadable:
            return []
        known = self._known_as_unreadable()
        return [path for path in self.loaded.unreadable if not path.endswith(known)]

    def _known_as_unreadable(self) -> tuple[str, ...]:
        """Return the ends of the S3 URLs of files that the ledger has as unreadable."""
        sql = "select log_file from log_files where status = 'unreadable'"
        try:
            return tuple(f"/{log_file}" for (log_file,) in self._athena.run(sql).rows())
        except QueryFailedError as error:  # no such table before the first load
            if not error.names_missing_table:
                raise
            return ()

    def _staged_days(self) -> list[date]:
        """Return the days of delivery that staging has records of, oldest first."""
        rows = self._athena.run(
            "select distinct cast(delivered_date as varchar) as delivered_date"
            f" from {STAGED_EVENTS} where delivered_date is not null order by 1"
        ).rows()
        return [date.fromisoformat(day) for (day,) in rows]

    def _halve_slices(self, error: RolecallError) -> bool:
        """Make slices half as long if that may help; return whether it may."""
        if isinstance(error, ScanLimitError) or not _TOO_MUCH.search(str(error)):
            return False
        if self._slice_days == 1:
            return False
        self._slice_days //= 2
        return True


class _Progress:
    """Says on standard error how far a load of several slices is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._first: tuple[float, int] | None = None

    def slice_done(self, slice_: Slice) -> None:
        """Say what is loaded and what is left; how long that takes, from the second slice on."""
        self._count += 1
        now, about = self._clock(), ""
        if self._first is None:
            self._first = now, slice_.days_left
        elif (done := self._first[1] - slice_.days_left) > 0:
            left = timedelta(seconds=round((now - self._first[0]) / done * slice_.days_left))
            about = f", about {left}"
        note(
            f"Slice {self._count:,}: loaded what was delivered up to {slice_.last};"
            f" {slice_.days_left:,} days up to {slice_.rest[-1].last} are left{about}."
        )
