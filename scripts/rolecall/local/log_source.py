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

import json
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rolecall.local.ledger import (
    first_copies,
    known_log_roots,
    log_roots,
    newest_attempts,
    readable_log_roots,
    sorted_log_files,
    unread_log_files,
)
from rolecall.local.log_files import LogFile, printable
from rolecall.local.log_reader import LogTooLargeError, read_records, sha256
from rolecall.local.log_records import (
    MAX_RECORD_BYTES,
    MAX_RESOURCES,
    Record,
    UnreadableLogError,
    many_members,
)
from rolecall.memory import MemoryParts, memory_parts
from rolecall.record_fields import RECORD_FIELDS, duckdb_shape

CATALOG = "logs"
"""The catalog of the source views, made anew in memory for each connection."""

FORGOTTEN_BEFORE = "forgotten_before"
"""The variable with the time (UTC) before which events are forgotten; unset, nothing is."""

# The views of raw records, all and the unread ones.
_RECORD_VIEWS = ("cloudtrail_logs", "unread_cloudtrail_logs")
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

_LOG_SCHEMA = pa.schema(
    [
        ("$path", _NAME),
        ("log_file", _NAME),
        ("account", _NAME),
        ("region", _NAME),
        ("delivered_date", pa.date32()),
        ("record", pa.string()),
    ]
)
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

# Fields that no model reads: their keys need not be written in AWS's letters.
_UNREAD_FIELDS = frozenset(
    ("$.userIdentity.sessionContext.webIdFederationData.attributes", "$.tlsDetails.keyExchange")
)
# What the rules read of the members that services fill as they like: see identity_events. The
# services that the rules ask may write a key in these letters alone, others have their own keys.
_SIGN_IN_EVENTS = (
    *("SwitchRole", "ExitRole", "RenewRole", "ConsoleLogin", "CheckMfa", "GetSigninToken"),
    *("CredentialChallenge", "CredentialVerification", "UserAuthentication"),
)
_ISSUED_SHAPE = {
    "credentials": {"accessKeyId": "", "expiration": ""},
    "assumedRoleUser": {"arn": "", "assumedRoleId": "", "assumeRoleId": ""},
    "sourceIdentity": "",
}
_SERVICE_SHAPES: dict[str, dict[str, Any]] = {
    "requestParameters": {
        **dict.fromkeys(("roleArn", "roleSessionName", "sourceIdentity", "serialNumber"), ""),
        **dict.fromkeys(("targetPrincipal", "principalArn"), ""),
        "taskPolicyArn": {"arn": ""},
    },
    "responseElements": {
        **_ISSUED_SHAPE,
        "credentialSet": [_ISSUED_SHAPE],
        **dict.fromkeys(("subject", "subjectType", "subjectFromWebIdentityToken", "provider"), ""),
        **dict.fromkeys(_SIGN_IN_EVENTS, ""),
    },
    "additionalEventData": dict.fromkeys(
        (
            *("SwitchFrom", "SwitchTo", "RenewedBy", "RoleRenewed", "MFAUsed", "MFAIdentifier"),
            *("MfaType", "CredentialType", "AuthWorkflowID", "UserName"),
        ),
        "",
    ),
    "serviceEventDetails": dict.fromkeys(("account_id", "role_name", *_SIGN_IN_EVENTS), ""),
}
_ASKED_SERVICES = tuple(
    f"{name}.amazonaws.com" for name in ("signin", "sts", "sso", "rolesanywhere", "eks-auth")
)

# What the macro iso_timestamp takes for a time: any other is for it to reject.
TIME_PATTERN = (
    r"^(?:19|2\d)\d{2}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"
    r"(Z|\+(?:0\d|1[0-3]):[0-5]\d|\+14:00|-(?:0\d|1[01]):[0-5]\d|-12:00)$"
)
_EVENT_TIME = "try(json_extract_string(record, '$.eventTime'))"
_EVENT_AT = f"try_cast({_EVENT_TIME} as timestamptz) at time zone 'UTC'"
# Unless the variable is set, no record is looked into.
_IS_FORGOTTEN = f"""
    case
        when getvariable('{FORGOTTEN_BEFORE}') is null then false
        when regexp_matches({_EVENT_TIME}, '{TIME_PATTERN}')
            then coalesce({_EVENT_AT} < getvariable('{FORGOTTEN_BEFORE}'), false)
        else false
    end
"""
# What is kept of a record that is forgotten: a file whose key tells no day or account has them
# from its records, and covers them still.
_FORGOTTEN_RECORD = f"""
    json_object(
        'eventTime', strftime({_EVENT_AT}, '%Y-%m-%dT00:00:00Z'),
        'awsRegion', json_extract_string(record, '$.awsRegion'),
        'recipientAccountId', coalesce(
            nullif(json_extract_string(record, '$.recipientAccountId'), ''),
            json_extract_string(record, '$.userIdentity.accountId')
        )
    )::varchar
"""

_Objects = list[tuple[str, tuple[str, ...]]]


def _objects(shape: dict[str, Any], path: str = "$") -> _Objects:
    """Return the path and the keys of each object in a shape, of a list those of the first one.

    Keys of fields that no model reads are left out.
    """
    read = tuple(name for name in shape if f"{path}.{name}" not in _UNREAD_FIELDS)
    found: _Objects = [(path, read)]
    for name, member in shape.items():
        inner, step = (member[0], "[0]") if isinstance(member, list) else (member, "")
        if isinstance(inner, dict):
            found += _objects(inner, f"{path}.{name}{step}")
    return found


def _keys(text: str, objects: _Objects) -> str:
    """Return the expression of the keys of each of these objects, a list for each."""
    paths = ", ".join(f"'{path}'" for path, _ in objects)
    nulls = ", ".join(["null"] * len(objects))
    return f"coalesce(try(json_keys({text}, [{paths}])), [{nulls}]::varchar[][])"


_MEMBERS = duckdb_shape()
_RESOURCE_NAMES = tuple(_MEMBERS["resources"][0])
_RECORD_OBJECTS = _objects({**_MEMBERS, "resources": ""})
_SERVICE_OBJECTS = {name: _objects(shape) for name, shape in _SERVICE_SHAPES.items()}
_SERVICE_KEYS = "list_concat({})".format(
    ", ".join(_keys(f"raw.{name}", objects) for name, objects in _SERVICE_OBJECTS.items())
)
# The keys of each object that is read, in the order of _NAMES; those of objects of which no names
# are told follow.
_RECORD_KEYS = f"""
    case when not is_forgotten and raw is not null
        then to_json(list_concat(
            {_keys("record", _RECORD_OBJECTS)},
            [list_distinct(flatten(resource_keys))],
            case when raw.eventSource in {_ASKED_SERVICES}
                then service_keys
                else list_transform(service_keys, lambda keys: null::varchar[])
            end,
            case when raw.eventSource in {_ASKED_SERVICES} then null else service_keys end,
            list_distinct(resource_keys)
        ))::varchar
    end
"""
_NAMES = (
    *(names for _, names in _RECORD_OBJECTS),
    _RESOURCE_NAMES,
    *(names for objects in _SERVICE_OBJECTS.values() for _, names in objects),
)


def _has_other_letters(number: int, names: Iterable[str]) -> str:
    """Return the expression of whether a key is one of ``names``, but for upper and lower case."""
    own_names = ", ".join(f"'{name}'" for name in names)
    return (
        f"coalesce(len(list_filter(all_keys[{number}], lambda key:"
        f" lower(key) in ({own_names.lower()}) and key not in ({own_names}))) > 0, false)"
    )


_REPEATS_OR_DIFFERS = " or ".join(
    (
        "coalesce(len(list_filter(all_keys, lambda keys:"
        " list_unique(keys) < len(keys))) > 0, false)",
        *(_has_other_letters(number, names) for number, names in enumerate(_NAMES, start=1)),
    )
)
# A list of one, so that the text is read once.
_IS_AMBIGUOUS = f"""
    list_transform(
        [from_json(record_keys, '[["VARCHAR"]]')], lambda all_keys: {_REPEATS_OR_DIFFERS}
    )[1]
"""

# Athena's names of columns are in lower case.
_RAW_COLUMNS = ", ".join(f"raw.{name} as {name.lower()}" for name in RECORD_FIELDS)


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
            cursor.register(f"{view}_records", ArrowStream(_LOG_SCHEMA, lambda: iter(())))
            # A record that DuckDB's JSON reader refuses becomes a row of nulls: it is rejected.
            # One that is too large comes without its text, and is rejected too.
            # One that is forgotten says that it is, and no more than its place and day.
            cursor.execute(
                f"""
                create view {CATALOG}.main.{view} as
                select
                    "$path", log_file, account, region, delivered_date, is_forgotten,
                    is_too_large, {_RECORD_KEYS} as record_keys, {_RAW_COLUMNS}
                from (
                    select
                        *,
                        {_SERVICE_KEYS} as service_keys,
                        try(json_keys(record, '$.resources[*]')) as resource_keys
                    from (
                        select
                            * exclude (raw),
                            record is null or coalesce(len(raw.resources) > {MAX_RESOURCES}, false)
                                as is_too_large,
                            case when len(raw.resources) > {MAX_RESOURCES} then null else raw end
                                as raw
                        from (
                            select
                                *,
                                try(json_transform(
                                    case when is_forgotten then {_FORGOTTEN_RECORD} else record end,
                                    '{json.dumps(_MEMBERS)}'
                                )) as raw
                            from (
                                select *, {_IS_FORGOTTEN} as is_forgotten
                                from {view}_records
                            ) as records
                        ) as records
                    ) as records
                ) as records
                """
            )
        cursor.execute(
            f"create macro {CATALOG}.main.repeats_keys(record_keys) as ({_IS_AMBIGUOUS})"
        )
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
            cursor.register(f"{view}_records", ArrowStream(_LOG_SCHEMA, batches))
        cursor.register("cloudtrail_log_reads_rows", ArrowStream(_READ_SCHEMA, self._read_rows))

    def _all_records(self, ledger: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
        """Yield the records of every readable log file, whatever is loaded."""
        roots = readable_log_roots(known_log_roots(ledger), self.log_root, self.example_logs)
        files = first_copies(sorted_log_files(roots))
        read = RawRead(len(files))
        self.raw_reads.append(read)
        yield from _record_batches(files, read.note, self.memory.log_bytes)

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
        yield from _record_batches(files, self._note, self.memory.log_bytes, most_cost)

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


def _record_batches(
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
            schema=_LOG_SCHEMA,
        )

    def _validity(self) -> pa.Buffer | None:
        """Return the bitmap of the records that have a text, None where all have."""
        if None not in self._texts:
            return None
        bits = pa.array([text is not None for text in self._texts], pa.bool_())
        return bits.buffers()[1]


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
