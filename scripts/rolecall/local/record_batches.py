"""The records of log files as Arrow batches for DuckDB, a few files read ahead."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa

from rolecall.local.json_parts import Record, UnreadableLogError
from rolecall.local.log_files import LogFile, printable
from rolecall.local.log_reader import LogTooLargeError, read_records, sha256
from rolecall.local.log_records import MAX_RECORD_BYTES, many_members

_BATCH_BYTES = 16 << 20
# DuckDB works on 2,048 rows at once, whatever their size: a large record costs more than its text,
# and members beyond the usual number more than their commas, those of the list of resources most:
# each becomes a row of columns.
_RECORD_COST = 500
_LARGE_RECORD_BYTES = 16_000
_LARGE_RECORD_FACTOR = 10
_MEMBER_COST = 120
_RESOURCE_COST = 600
_FILES_AHEAD = 8
_BYTES_AHEAD = 4 << 20
# What is read ahead is small once unpacked: a larger file waits for its turn.
_LOG_BYTES_AHEAD = 8 << 20
_READERS = 2
_NAME = pa.dictionary(pa.int32(), pa.string())

LOG_SCHEMA = pa.schema(
    [
        ("$path", _NAME),
        ("log_file", _NAME),
        ("account", _NAME),
        ("region", _NAME),
        ("delivered_date", pa.date32()),
        ("record", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class FileRead:
    """What became of one log file: ``status`` is loaded, empty or unreadable.

    ``sha256`` is that of its bytes, ``repeated_list_record_count`` how many of its records other
    readers may pass over: see ``Records``.
    """

    file: LogFile
    status: str
    problem: str | None
    record_count: int | None
    sha256: str | None = None
    repeated_list_record_count: int | None = None


@dataclass(frozen=True, slots=True)
class _Log:
    """The records of a log file that are loaded, None for one that is too large, and their cost."""

    records: Sequence[Record | None]
    costs: array[int]
    sha256: str | None
    repeated_list_count: int

    def read_of(self, file: LogFile) -> FileRead:
        """Return what became of the file."""
        status = "loaded" if self.records else "empty"
        return FileRead(
            file, status, None, len(self.records), self.sha256, self.repeated_list_count
        )


def record_batches(
    files: Sequence[LogFile],
    report: Callable[[FileRead], None],
    max_log_bytes: int,
    most_cost: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the records of ``files``, reporting each file, in batches of about 16 MB of text.

    Ends early, after a file at least, where the files have come to ``most_cost``.
    """
    batch = _Batch()
    cost = 0
    for file, log in _read_ahead(files, max_log_bytes):
        if isinstance(log, UnreadableLogError):
            report(FileRead(file, "unreadable", str(log), None))
            continue
        log_cost = sum(log.costs)
        if most_cost is not None and cost and cost + log_cost > most_cost:
            break
        cost += log_cost
        report(log.read_of(file))
        for start, end in _runs(log.costs, batch.cost):
            batch.add(file, log.records[start:end], log.costs[start:end])
            if batch.cost >= _BATCH_BYTES:
                yield batch.as_arrow()
                batch = _Batch()
    if batch.cost:
        yield batch.as_arrow()


def _runs(costs: array[int], in_batch: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where records go into one batch, the first of which is begun already."""
    start = 0
    for end, cost in enumerate(costs, start=1):
        in_batch += cost
        if in_batch >= _BATCH_BYTES:
            yield start, end
            start, in_batch = end, 0
    if start < len(costs):
        yield start, len(costs)


def _read_ahead(
    files: Sequence[LogFile], max_log_bytes: int
) -> Iterator[tuple[LogFile, _Log | UnreadableLogError]]:
    """Yield each file with its records, in order, while a few more are read in the background.

    A file that is large once unpacked is read when its turn comes, alone.
    """
    bytes_ahead_each = min(_LOG_BYTES_AHEAD, max_log_bytes)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="log-reader") as readers:
        waiting = deque(files)
        reading: deque[tuple[LogFile, Future[_Log | UnreadableLogError]]] = deque()
        bytes_ahead = 0
        try:
            while waiting or reading:
                # Large files are few at a time: what is read waits in memory.
                while waiting and (
                    len(reading) < _READERS
                    or (len(reading) < _FILES_AHEAD and bytes_ahead < _BYTES_AHEAD)
                ):
                    file = waiting.popleft()
                    reading.append((file, readers.submit(_outcome, file, bytes_ahead_each)))
                    bytes_ahead += file.size_bytes or 0
                file, future = reading.popleft()
                bytes_ahead -= file.size_bytes or 0
                log = future.result()
                if isinstance(log, LogTooLargeError) and bytes_ahead_each < max_log_bytes:
                    log = _outcome(file, max_log_bytes)
                yield file, log
        finally:
            readers.shutdown(wait=True, cancel_futures=True)


def _outcome(file: LogFile, max_log_bytes: int) -> _Log | UnreadableLogError:
    """Return what is in a file, of which every record passes by here, or why it is unreadable."""
    try:
        records = read_records(file, max_log_bytes)
        of_file = None if file.is_folder else sha256(file), records.repeated_list_count
    except UnreadableLogError as error:
        return error
    loaded: Sequence[Record | None] = records
    if any(len(memoryview(record)) > MAX_RECORD_BYTES for record in records):
        loaded = [
            record if len(memoryview(record)) <= MAX_RECORD_BYTES else None for record in records
        ]
    return _Log(loaded, array("q", map(_cost, loaded)), *of_file)


def _cost(record: Record | None) -> int:
    """Return about how much memory a record takes while it is typed."""
    if record is None:
        return _RECORD_COST
    text = bytes(record)
    cost = _RECORD_COST + len(text)
    if len(text) >= _LARGE_RECORD_BYTES:
        cost *= _LARGE_RECORD_FACTOR
    members, may_be_resources = many_members(text)
    cost += members * (_RESOURCE_COST if may_be_resources else _MEMBER_COST)
    return cost


class _Batch:
    """Records of several files on their way into one Arrow record batch."""

    def __init__(self) -> None:
        self._texts: list[Record | None] = []
        self._files: list[tuple[LogFile, int]] = []
        self.cost = 0

    def add(self, file: LogFile, records: Sequence[Record | None], costs: array[int]) -> None:
        self._texts.extend(records)
        self._files.append((file, len(records)))
        self.cost += sum(costs)

    def as_arrow(self) -> pa.RecordBatch:
        """Return the batch."""
        count = len(self._texts)
        # Offsets and one joined buffer: a list of Python strings would take three times as long.
        found = [text or b"" for text in self._texts]
        lengths = (len(memoryview(text)) for text in found)
        offsets = array("i", accumulate(lengths, initial=0))
        texts = pa.StringArray.from_buffers(
            count, pa.py_buffer(offsets), pa.py_buffer(b"".join(found)), self._validity()
        )
        repeated = array("i")
        for index, (_, records) in enumerate(self._files):
            repeated.extend([index] * records)
        of_file = pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(repeated)])
        files = [file for file, _ in self._files]
        days = pa.array([file.facts.delivered_date for file in files], pa.date32())

        def names(values: Iterable[str | None]) -> pa.Array:
            return pa.DictionaryArray.from_arrays(of_file, pa.array(values, pa.string()))

        return pa.RecordBatch.from_arrays(
            [
                names([printable(file.path) for file in files]),
                names([file.log_file for file in files]),
                names([file.facts.account_id for file in files]),
                names([file.facts.aws_region for file in files]),
                days.take(of_file),
                texts,
            ],
            schema=LOG_SCHEMA,
        )

    def _validity(self) -> pa.Buffer | None:
        """Return the bitmap of the records that have a text, None where all have."""
        if None not in self._texts:
            return None
        bits = pa.array([text is not None for text in self._texts], pa.bool_())
        return bits.buffers()[1]
