"""Load log files into the local target slice by slice, and build what follows with the last one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from rolecall.errors import RolecallError
from rolecall.local.log_files import LogFile
from rolecall.local.progress import LoadProgress
from rolecall.memory import machine_bytes
from rolecall.project.run import failures, run_dbt
from rolecall.refresh_summary import Unreadable
from rolecall.settings import Settings

if TYPE_CHECKING:
    from dbt.contracts.results import RunResult

    from rolecall.local.record_batches import FileRead

# What a run of dbt for one slice builds and tests: all that remembers.
_STORE = ("path:models/staging", "path:models/store")
# Packed bytes of a file that is not packed: CloudTrail's JSON packs about ten to one.
_PACKED_SHARE = 10
# How DuckDB says that its memory does not suffice, and how many files fewer are tried then.
_OUT_OF_MEMORY = "Out of Memory"
_FEWER = 4


@dataclass(slots=True)
class LoadOutcome:
    """What became of the files and tests of a refresh; ``tables`` are those it built last."""

    file_count: int = 0
    empty_file_count: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    test_count: int = 0
    tables: list[str] = field(default_factory=list)

    def note_results(self, results: Sequence[RunResult]) -> None:
        """Count the tests of a run of dbt, and remember the tables that it made."""
        nodes = [result.node for result in results]
        self.test_count += sum(node.resource_type == "test" for node in nodes)
        self.tables = [node.alias for node in nodes if node.resource_type == "model"]

    def note(self, read: FileRead) -> None:
        """Count a file that was read; a folder that can be listed again is not a file."""
        if read.status == "unreadable":
            self.unreadable.append(Unreadable(read.file.log_file, read.problem or ""))
            return
        if read.file.is_folder:
            return
        self.file_count += 1
        self.empty_file_count += read.status == "empty"


def load_and_build(
    files: Sequence[LogFile], outcome: LoadOutcome, settings: Settings, *, rebuilds_store: bool
) -> None:
    """Load all slices but the last with the store alone, the last one with all that follows.

    With ``rebuilds_store`` what follows from the events is made anew. Without files the last slice
    is empty. Raises RolecallError.

    How much is in a file shows when it is read: a slice that turns out too large ends early, and
    those that follow are made as small.
    """
    waiting = files
    slice_bytes = settings.slice_bytes
    number = 0
    with LoadProgress(files, packed_bytes) as progress:
        while waiting or number == 0:
            number += 1
            slice_, *rest = list(slices(waiting, slice_bytes)) or [[]]
            arguments = ["build", "--exclude-resource-type", "unit_test"]
            if rest:
                # Tests that compare the store with what follows from it wait for the last slice.
                arguments += ["--select", *_STORE, "--indirect-selection", "cautious"]
            if rebuilds_store and number == 1:
                # What may be rebuilt is rebuilt from the events, which stay.
                arguments.append("--full-refresh")
            reads, results = _load_slice(arguments, number, slice_, progress, settings)
            for read in reads:
                outcome.note(read)
            outcome.note_results(results)
            if len(reads) < len(slice_):
                slice_bytes = max(sum(packed_bytes(read.file) for read in reads), 1)
                rest = list(slices(waiting[len(reads) :], slice_bytes))
            waiting = waiting[len(reads) :]
            progress.slice_done(number, number + len(rest))


def _load_slice(
    arguments: list[str],
    number: int,
    files: Sequence[LogFile],
    progress: LoadProgress,
    settings: Settings,
) -> tuple[list[FileRead], Sequence[RunResult]]:
    """Load a slice and return what became of its files, the first ones at least, and of dbt's run.

    What is too much for DuckDB's memory is tried again with one thread and fewer files, and then
    with all the memory that the machine has: nothing that is stored can stop a refresh for good.
    Raises RolecallError.
    """
    from rolecall.local.dbt_plugin import FileSlice, loading

    few = files[: max(len(files) // _FEWER, 1)]
    tries = (
        FileSlice(number, files),
        FileSlice(number, few, threads=1),
        FileSlice(number, few, threads=1, database_bytes=machine_bytes()),
    )
    for part in tries:
        reads: list[FileRead] = []
        with loading(replace(part, on_read=partial(_note_read, reads, progress))):
            result = run_dbt(arguments, settings)
        if result.success:
            break
        if _OUT_OF_MEMORY not in failures(result) or part is tries[-1]:
            raise RolecallError(f"The refresh failed: {failures(result)}")
    return reads, result.result.results


def _note_read(reads: list[FileRead], progress: LoadProgress, read: FileRead) -> None:
    reads.append(read)
    progress.advance(read.file)


def slices(files: Sequence[LogFile], slice_bytes: int) -> Iterator[list[LogFile]]:
    """Yield ``files`` in order, in parts of about ``slice_bytes`` packed bytes, at least one.

    Copies of one key go into different parts: a load has one row of the ledger for each key.
    """
    part: dict[str, LogFile] = {}
    part_bytes = 0
    for file in files:
        if part and (part_bytes >= slice_bytes or file.log_file in part):
            yield list(part.values())
            part, part_bytes = {}, 0
        part[file.log_file] = file
        part_bytes += packed_bytes(file)
    if part:
        yield list(part.values())


def packed_bytes(file: LogFile) -> int:
    """Return the size of a log file in bytes, about what it is or would be when packed."""
    size_bytes = file.size_bytes or 0
    return size_bytes if file.path.endswith(".gz") else size_bytes // _PACKED_SHARE
