"""The local target's source: log files on disk as relations of DuckDB.

It makes three views, which ``models/staging/_cloudtrail__sources.yml`` declares as sources:

``cloudtrail_logs``
    every record of every readable log file, with the raw columns of the table on Athena
``unread_cloudtrail_logs``
    the same for the log files that no load has taken yet: what staging reads
``cloudtrail_log_reads``
    what became of each file of the last scan of ``unread_cloudtrail_logs`` in this process

The views stand on Arrow streams that open files only when DuckDB scans them, so that compiling,
testing and documenting the project reads no log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from rolecall.local.ledger import first_copies, newest_attempts, sorted_log_files, unread_log_files
from rolecall.local.log_files import LogFile, printable
from rolecall.local.log_roots import known_log_roots, log_roots, readable_log_roots
from rolecall.local.record_batches import LOG_SCHEMA, FileRead, record_batches
from rolecall.local.record_view import IS_AMBIGUOUS, record_view
from rolecall.memory import MemoryParts, memory_parts

CATALOG = "logs"
"""The catalog of the source views, made anew in memory for each connection."""

# The views of raw records, all and the unread ones.
_RECORD_VIEWS = ("cloudtrail_logs", "unread_cloudtrail_logs")
_READ_SCHEMA = pa.schema(
    [
        ("log_file", pa.string()),
        ("log_root", pa.string()),
        ("account", pa.string()),
        ("region", pa.string()),
        ("delivered_date", pa.date32()),
        ("status", pa.string()),
        ("problem", pa.string()),
        ("record_count", pa.int64()),
        ("size_bytes", pa.int64()),
        ("modified_at", pa.timestamp("us")),
        ("sha256", pa.string()),
        ("repeated_list_record_count", pa.int64()),
    ]
)


@dataclass(slots=True)
class RawRead:
    """How far a question read the log files: ``left_count`` is how many it did not come to."""

    left_count: int
    unreadable: list[FileRead] = field(default_factory=list)

    def note(self, read: FileRead) -> None:
        """Take notice of what became of one more file."""
        self.left_count -= 1
        if read.status == "unreadable":
            self.unreadable.append(read)


@dataclass(slots=True)
class LogSource:
    """The log files below some folders, as relations of DuckDB.

    ``log_root``, ``example_logs`` and ``add_logs`` say which folders, as ``log_roots`` reads them.
    ``files`` narrows the unread ones to those of a slice; of these, those are left for another
    slice that would be too much for ``memory``. ``reads`` is what became of each file in the last
    scan of the unread ones; ``on_read`` hears of it file by file. ``raw_reads`` has each scan of
    all files.
    """

    log_root: Path | None = None
    example_logs: Path | None = None
    add_logs: bool = False
    files: Sequence[LogFile] | None = None
    on_read: Callable[[FileRead], None] | None = None
    memory: MemoryParts = field(default_factory=memory_parts)
    reads: list[FileRead] = field(default_factory=list)
    raw_reads: list[RawRead] = field(default_factory=list)

    @staticmethod
    def create_views(connection: duckdb.DuckDBPyConnection) -> None:
        """Make the source views, in a catalog that lives as long as the connection."""
        connection.execute(f"attach ':memory:' as {CATALOG}")
        # A name is bound when a query runs, and must be there when the view is made.
        cursor = connection.cursor()
        for view in _RECORD_VIEWS:
            cursor.register(f"{view}_records", ArrowStream(LOG_SCHEMA, lambda: iter(())))
            cursor.execute(f"create view {CATALOG}.main.{view} as {record_view(f'{view}_records')}")
        cursor.execute(f"create macro {CATALOG}.main.repeats_keys(record_keys) as ({IS_AMBIGUOUS})")
        cursor.register("cloudtrail_log_reads_rows", ArrowStream(_READ_SCHEMA, lambda: iter(())))
        cursor.execute(
            f"create view {CATALOG}.main.cloudtrail_log_reads as"
            " select * from cloudtrail_log_reads_rows"
        )
        cursor.close()

    def register(
        self, cursor: duckdb.DuckDBPyConnection, ledger: duckdb.DuckDBPyConnection
    ) -> None:
        """Let the source views be read on ``cursor``, opening no log file.

        ``ledger`` is another connection to the same database: while a view is scanned, the
        files that are done are looked up on a cursor of it.
        """
        streams = (
            lambda: self._all_records(ledger.cursor()),
            lambda: self._unread_records(ledger.cursor()),
        )
        for view, batches in zip(_RECORD_VIEWS, streams, strict=True):
            cursor.register(f"{view}_records", ArrowStream(LOG_SCHEMA, batches))
        cursor.register("cloudtrail_log_reads_rows", ArrowStream(_READ_SCHEMA, self._read_rows))

    def _all_records(self, ledger: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
        """Yield the records of every readable log file, whatever is loaded."""
        roots = readable_log_roots(known_log_roots(ledger), self.log_root, self.example_logs)
        files = first_copies(sorted_log_files(roots))
        read = RawRead(len(files))
        self.raw_reads.append(read)
        yield from record_batches(files, read.note, self.memory.log_bytes)

    def _unread_records(self, ledger: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
        """Yield the records of the log files that the ledger does not have as done."""
        self.reads = []
        files = self.files
        if files is None:
            roots = log_roots(ledger, self.log_root, self.example_logs, add_logs=self.add_logs)
            attempts = newest_attempts(ledger)
            files = first_copies(unread_log_files(roots, attempts, self.memory.log_bytes))
        # Without a command line that cuts it, a load is one slice.
        most_cost = None if self.files is None else self.memory.slice_cost
        yield from record_batches(files, self._note, self.memory.log_bytes, most_cost)

    def _note(self, read: FileRead) -> None:
        self.reads.append(read)
        if self.on_read is not None:
            self.on_read(read)

    def _read_rows(self) -> Iterator[pa.RecordBatch]:
        """Yield what became of each file in the last scan of the unread ones."""
        if self.reads:
            rows = [_read_row(read) for read in self.reads]
            yield pa.RecordBatch.from_pylist(rows, schema=_READ_SCHEMA)


class ArrowStream:
    """Batches that DuckDB can scan again and again through the Arrow C stream interface.

    With ``__arrow_c_schema__`` beside ``__arrow_c_stream__``, DuckDB asks for the schema without
    starting a scan.
    """

    def __init__(self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._schema = schema
        self._batches = batches

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)


def _read_row(read: FileRead) -> dict[str, object]:
    facts = read.file.facts
    return {
        "log_file": read.file.log_file,
        "log_root": printable(read.file.log_root),
        "account": facts.account_id,
        "region": facts.aws_region,
        "delivered_date": facts.delivered_date,
        "status": read.status,
        "problem": read.problem,
        "record_count": read.record_count,
        "size_bytes": read.file.size_bytes,
        "modified_at": read.file.modified_at,
        "sha256": read.sha256,
        "repeated_list_record_count": read.repeated_list_record_count,
    }
