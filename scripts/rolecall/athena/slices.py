"""Load what is new on Athena in slices, oldest day first, without the files it cannot read."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from rolecall.athena.archived_logs import ArchivedLogs
from rolecall.athena.bad_file import BadFileSearch, unreadable_file
from rolecall.aws.athena_client import Athena
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.errors import RolecallError, ScanLimitError
from rolecall.project.location import project_variables
from rolecall.settings import Settings
from rolecall.text import note

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

STAGED_EVENTS, STAGED_FILES = "stg_cloudtrail__events", "stg_cloudtrail__log_reads"
ARCHIVED = "archived_logs"
MOST_UNREADABLE = 100
"""How many files that Athena cannot read a refresh leaves out: each costs it another try."""

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
class Loaded:
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

    Each slice is complete before the next is begun, so that a load that was ended goes on where it
    was. One that is too much for Athena's limits is tried again with half as many days. Beside its
    logs the load scans ``spare_bytes`` at most, where that is not None. Days that have nothing but
    ``archived`` logs it does not look at; what changed in these it enters when all others are read.
    """

    def __init__(
        self,
        settings: Settings,
        run: RunDbt,
        athena: Athena,
        *,
        is_by_day: bool,
        spare_bytes: int | None = None,
        archived: ArchivedLogs | None = None,
    ) -> None:
        self._settings = settings
        self._archived = ArchivedLogs() if archived is None else archived
        self._run_dbt = run
        self._athena = athena
        self._is_by_day = is_by_day
        self._spare_bytes = spare_bytes
        self._load_from: date | None = None
        self._to_build: list[str] = []
        self._progress = _Progress()
        self.loaded = Loaded()

    def load(self) -> Loaded:
        """Load every slice but the last, and stage the last one. Raises RolecallError."""
        self.loaded.is_new |= bool(self._archived.changes)
        self._to_build = ["--exclude", STAGED_EVENTS]
        if self._is_by_day:
            self._load_by_day()
        else:
            self._load_landed()
        return self.loaded

    def build(self) -> Loaded:
        """Load the last slice, and build and test everything. Raises RolecallError."""
        *first_parts, archived = self._archived.parts()
        for part in first_parts:
            self._run(["run", "--select", ARCHIVED], archived_logs=part)
        while True:
            try:
                if archived:
                    self._build(*self._to_build, archived_logs=archived)
                else:
                    left_alone = [ARCHIVED] if self._archived.is_known else []
                    self._build(*self._to_build, *left_alone)
            except RolecallError as error:
                if not _OF_A_SLICE.search(str(error)) or not self._halved(error):
                    raise
                self.load()
            else:
                return self.loaded

    def _load_by_day(self) -> None:
        """Scan and load slice by slice."""
        while True:
            try:
                staged, row_count = self._stage()
                remains = _remains(staged)
                is_new = row_count != 0 or bool(self._new_problems())
                self.loaded.is_new |= is_new
                if remains is None:
                    return
                if is_new:
                    self._build("--select", STAGED_FILES, *_STORE)
            except RolecallError as error:
                if not self._halved(error):
                    raise
                continue
            self._progress.slice_done(remains)
            self._load_from = remains.first_left

    def _load_landed(self) -> None:
        """Scan everything once, and load that slice by slice."""
        _, row_count = self._stage()
        self.loaded.is_new |= row_count != 0 or bool(self._new_problems())
        if row_count == 0 or self._staged_days() <= self._slice_days():
            return
        while True:
            try:
                remains = _remains(self._run(["run", "--select", STAGED_FILES]))
                if remains is None:
                    # The files are listed: once more would list what comes after them.
                    self._to_build.append(STAGED_FILES)
                    return
                self._build("--select", *_STORE)
            except RolecallError as error:
                if not self._halved(error):
                    raise
                continue
            self._progress.slice_done(remains)

    def _stage(self) -> tuple[dbtRunnerResult, int]:
        """Scan the raw table; return the run and how many records it found."""
        while True:
            try:
                staged = self._run(["run", "--select", STAGED_EVENTS])
            except RolecallError as error:
                self._leave_out(error)
                continue
            (result,) = staged.result.results
            response = result.adapter_response
            self.loaded.raw_bytes += int(response.get("data_scanned_in_bytes") or 0)
            return staged, int(response.get("rows_affected") or 0)

    def _build(self, *selected: str, **options: Any) -> None:
        command = ["build", "--exclude-resource-type", "unit_test", *_CAUTIOUS, *selected]
        built = self._run(command, **options)
        self.loaded.test_count += sum(
            result.node.resource_type == "test" for result in built.result.results
        )

    def _run(self, arguments: list[str], **options: Any) -> dbtRunnerResult:
        if self._archived.left_out:
            options["archived_days_left_out"] = self._archived.left_out_days
        return self._run_dbt(
            arguments,
            self._settings,
            load_from=self._load_from,
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
            path = self._searched(error, known)
        # What was left out once on somebody's word is tried each time, and left out again.
        if not self._settings.skip_unreadable and not path.endswith(known):
            raise RolecallError(
                f"{error} `rolecall refresh --skip-unreadable` goes on without {path}."
            ) from error
        if path in self.loaded.unreadable or len(self.loaded.unreadable) == MOST_UNREADABLE:
            raise error
        self.loaded.unreadable[path] = problem

    def _searched(self, error: RolecallError, suspects: tuple[str, ...]) -> str:
        """Return the file that a scan failed on, which Athena did not name."""
        note(
            "Athena cannot read a log file and does not name it: looking for it in half of the"
            " files, and in half of these."
        )
        search = BadFileSearch(
            self._athena,
            self._settings,
            self._load_from,
            self.loaded.unreadable,
            suspects,
            self._spare_bytes,
        )
        path = search.run(self._slice_days())
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

    def _staged_days(self) -> int:
        ((days,),) = self._athena.run(
            "select date_diff('day', min(delivered_date), max(delivered_date))"
            f" from {STAGED_EVENTS}"
        ).rows()
        return int(days or 0) + 1

    def _slice_days(self) -> int:
        return int(self._settings.slice_days or project_variables()["slice_days"])

    def _halved(self, error: RolecallError) -> bool:
        """Make slices half as long if that may help; return whether it may."""
        days = self._slice_days()
        if isinstance(error, ScanLimitError) or days == 1 or not _TOO_MUCH.search(str(error)):
            return False
        self._settings = self._settings.model_copy(update={"slice_days": days // 2})
        return True


@dataclass(frozen=True, slots=True)
class _Remains:
    """The last day of a slice, and the days that are left after it."""

    loaded_to: date
    first_left: date
    last_left: date

    @property
    def days(self) -> int:
        """How many days are left, at most."""
        return (self.last_left - self.first_left).days + 1


def _remains(staged: dbtRunnerResult) -> _Remains | None:
    """Return what a run left for later ones, as macros/say_what_remains.sql notes it."""
    (result,) = staged.result.results
    meta: Mapping[str, Any] = result.node.config.meta
    if not meta.get("remains_from"):
        return None
    return _Remains(
        *(date.fromisoformat(meta[name]) for name in ("loaded_to", "remains_from", "remains_to"))
    )


class _Progress:
    """Says on standard error how far a load of several slices is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._first: tuple[float, int] | None = None

    def slice_done(self, remains: _Remains) -> None:
        """Say what is loaded and what is left; how long that takes, from the second slice on."""
        self._count += 1
        now, about = self._clock(), ""
        if self._first is None:
            self._first = now, remains.days
        elif (done := self._first[1] - remains.days) > 0:
            left = timedelta(seconds=round((now - self._first[0]) / done * remains.days))
            about = f", about {left}"
        note(
            f"Slice {self._count:,}: loaded what was delivered up to {remains.loaded_to};"
            f" {remains.days:,} days up to {remains.last_left} are left{about}."
        )
