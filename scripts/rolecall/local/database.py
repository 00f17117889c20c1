"""The DuckDB file of the local target: opened, and what version it has."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from rolecall.errors import RolecallError
from rolecall.local.log_records import MAX_RECORD_BYTES
from rolecall.local.spill import claim

NAME = "rolecall"
"""The name under which the file is attached, whatever the file is called."""

FOR_WRITING = " (type duckdb, row_group_size 30720)"
"""How the file is attached by whoever changes it, everybody alike.

Threads leave groups of rows that are not full, and a checkpoint writes some of them once more, for
seconds if groups have DuckDB's 122,880 rows; it writes all of them, should another size be set.
"""

SCHEMA_VERSION = 8
"""Grows when what can be rebuilt from ``events`` has to be: the next refresh does that."""

FIRST_SCHEMA_VERSION = 1
"""The version of a database that says none."""

# DuckDB's own settings, less what reaches beyond the files that it is told of.
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
}

# What models that no longer exist have left behind. It follows from events that may be forgotten.
_RETIRED = ("switch_sign_ins", "portal_addresses")

_JSON_FIELDS = (
    *("request_parameters", "response_elements", "additional_event_data"),
    *("service_event_details", "edge_device_details", "resources"),
)
# CloudTrail's limit for a field is 100 KB (User Guide, "CloudTrail record contents").
_LARGEST_FIELD_BYTES = 100_000
_LETTERS_KEPT = 1000

# Which columns tell a table of the store from another program's; every version has had these.
_STORE_COLUMNS = {
    "events": {"event_id", "recipient_account_id", "event_at", "load_id", "loaded_at"},
    "log_reads": {"log_file", "status", "load_id", "loaded_at"},
    "rolecall_schema": {"version"},
}

# One thing that is in a database, of whatever kind.
_ANYTHING = """
    select 'table', table_name from duckdb_tables() where database_name = $database
    union all
    select 'view', view_name from duckdb_views() where database_name = $database and not internal
    union all
    select 'sequence', sequence_name from duckdb_sequences() where database_name = $database
    union all
    select 'type', type_name from duckdb_types() where database_name = $database and not internal
    union all
    select 'macro', function_name
    from duckdb_functions()
    where database_name = $database and not internal
    union all
    select 'schema', schema_name
    from duckdb_schemas()
    where database_name = $database and not internal and schema_name <> 'main'
    limit 1
"""

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_READ_ONLY = " (type duckdb, read_only)"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 0.25

READER_MEMORY = "256MB"
"""How much DuckDB takes for a question: beyond it, it goes on in temporary files."""

PATIENCE_SECONDS = 60
"""How long a refresh that is under way waits for those who read in between, in seconds."""


def open_memory_database() -> duckdb.DuckDBPyConnection:
    """Return a connection with nothing attached, which fetches and loads no extension by itself.

    It knows no variable of Python and no secret that DuckDB keeps, and writes nothing to disk that
    does not fit in memory: see ``rolecall.local.spill``.
    """
    return duckdb.connect(":memory:", config=_CLOSED)


def bound_reader(connection: duckdb.DuckDBPyConnection) -> None:
    """Bound the memory of a connection's questions; what does not fit needs a folder to go to."""
    connection.execute("set memory_limit = ?", [READER_MEMORY])
    # Each thread holds what it sorts: two need more than this for rows of a kilobyte.
    connection.execute("set threads = 1")


def open_database(path: Path, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    """Return a connection that can read the database file at ``path``.

    Waits up to ``wait_seconds`` for a process that holds the file. Raises RolecallError if there
    is no such file, if it is not a database of DuckDB, if a newer Rolecall made it, or if it
    stays held.
    """
    if not path.exists():
        raise RolecallError(
            f"There is no database {path} yet: load logs into it with"
            f" `rolecall refresh --logs DIR --database {path}`."
        )
    return _opened(path, wait_seconds, _READ_ONLY)


def open_for_writing(path: Path, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    """Return a connection that can change the database file at ``path``, made if need be.

    Waits and raises as ``open_database`` does, and if the file cannot be written.
    """
    return _opened(path, wait_seconds, FOR_WRITING)


def _opened(path: Path, wait_seconds: float, options: str) -> duckdb.DuckDBPyConnection:
    connection = open_memory_database()
    try:
        attach(connection, path.absolute(), wait_seconds, options)
    except RolecallError:
        connection.close()
        raise
    return connection


def attach(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    wait_seconds: float,
    options: str = FOR_WRITING,
) -> None:
    """Attach the database file at ``path`` as ``NAME``, made if need be.

    Waits up to ``wait_seconds`` for a process that holds the file. Raises RolecallError if it
    stays held, if it cannot be opened, or if a newer Rolecall, or none at all, made it: then not
    a byte of it is changed.
    """
    if options != _READ_ONLY and _is_writable(path):
        # Opened for writing, a file may be changed at once: by what is left in its log.
        _attach_patiently(connection, path, wait_seconds, _READ_ONLY)
        check_schema_version(connection)
        connection.execute(f"detach {NAME}")
    _attach_patiently(connection, path, wait_seconds, options)
    check_schema_version(connection)
    if options != _READ_ONLY:
        folder = claim(path)
        connection.execute("set temp_directory = ?", ["" if folder is None else str(folder)])


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _attach_patiently(
    connection: duckdb.DuckDBPyConnection, path: Path, wait_seconds: float, options: str
) -> None:
    deadline = time.monotonic() + wait_seconds
    pause = _FIRST_PAUSE_SECONDS
    while problem := _problem_of_attaching(connection, path, options):
        if time.monotonic() + pause > deadline:
            raise RolecallError(problem)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _problem_of_attaching(
    connection: duckdb.DuckDBPyConnection, path: Path, options: str
) -> str | None:
    """Attach a file, or return who holds it. Raises RolecallError if it cannot be opened."""
    if log_of_changes(path).is_symlink():
        raise RolecallError(
            f"The database {path} cannot be opened: {log_of_changes(path)} is a link, which DuckDB"
            " would write through; remove it."
        )
    for file in (path, log_of_changes(path)):
        if file.exists() and not file.is_file() and not file.is_dir():
            # A pipe would be waited for without end.
            raise RolecallError(
                f"The database {path} cannot be opened: {file} is a pipe, a socket or a device, and"
                " no file; remove it, or name another database."
            )
    try:
        connection.execute(f"attach ? as {NAME}{options}", [str(path)])
    except duckdb.Error as error:
        holder = _HOLDER.search(str(error))
        if holder is None:
            raise RolecallError(
                f"The database {path} cannot be opened: {first_line(error)}"
            ) from None
        return (
            f"The database {path} is held by process {holder['pid']}"
            f" ({holder['program']}), probably a refresh: try again when it is done."
        )
    return None


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Return whether the attached database has ``table``."""
    rows = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? and table_name = ?", [NAME, table]
    ).fetchall()
    return bool(rows)


def schema_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the version of the schema of the attached database, None for an empty one."""
    if has_table(connection, "rolecall_schema"):
        ((version,),) = connection.execute(
            f"select version from {NAME}.main.rolecall_schema"
        ).fetchall()
        return int(version)
    return FIRST_SCHEMA_VERSION if has_table(connection, "events") else None


def check_schema_version(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise RolecallError if a newer Rolecall, or none at all, made the attached database."""
    _check_tables_are_its_own(connection)
    version = schema_version(connection)
    if version is not None and version > SCHEMA_VERSION:
        raise RolecallError(
            f"The database has schema version {version}, and this Rolecall knows none above"
            f" {SCHEMA_VERSION}: use a newer Rolecall, or another database."
        )


def _check_tables_are_its_own(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise RolecallError if a table has a name of the store's and not what that has.

    And if there is anything at all, while the store is not.
    """
    for table, columns in _STORE_COLUMNS.items():
        rows = connection.execute(
            "select column_name from duckdb_columns() where database_name = ? and table_name = ?",
            [NAME, table],
        ).fetchall()
        if rows and not columns <= {column for (column,) in rows}:
            raise _not_ours("table", table)
    if not has_table(connection, "rolecall_schema") and not has_table(connection, "events"):
        # What is made first is missing: then nothing is to be there.
        foreign = connection.execute(_ANYTHING, {"database": NAME}).fetchone()
        if foreign is not None:
            raise _not_ours(*foreign)


def _not_ours(kind: str, name: str) -> RolecallError:
    return RolecallError(
        f"The database has a {kind} {name} that Rolecall did not make: use another database."
    )


def is_outdated(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether what follows from the events of the attached database has to be rebuilt."""
    version = schema_version(connection)
    return version is not None and version < SCHEMA_VERSION


def stamp_schema_version(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a database that is empty the version of this Rolecall."""
    if schema_version(connection) is None:
        set_schema_version(connection, SCHEMA_VERSION)


def widen_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a ledger of an older version what new attempts are told from old ones by."""
    if has_table(connection, "log_reads"):
        connection.execute(
            f"alter table {NAME}.main.log_reads add column if not exists sha256 text"
        )


def set_schema_version(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Set the version of the attached database."""
    connection.execute(
        f"create or replace table {NAME}.main.rolecall_schema as select ? as version", [version]
    )


def withhold_large_fields(connection: duckdb.DuckDBPyConnection) -> None:
    """Take out of the stored events what is too large to be worked with; the events stay.

    Older versions stored records of any size. Of an event that is larger than a record may be, a
    JSON field above 100 KB becomes ``{"withheld_bytes": 31457292}``, and another text that long
    keeps its first 1,000 letters.
    """
    if not has_table(connection, "events"):
        return
    columns = [
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where database_name = ?"
            " and table_name = 'events' and data_type = 'VARCHAR'",
            [NAME],
        ).fetchall()
    ]
    size = " + ".join(map(_size_of, columns))
    # Events lie together by thousands, and are read together: few are this large.
    limits = connection.execute(
        "select current_setting('memory_limit'), current_setting('threads')"
    ).fetchone()
    assert limits is not None
    connection.execute("set threads = 1")
    connection.execute("reset memory_limit")
    connection.execute(
        f"update {NAME}.main.events set {', '.join(map(_withheld, columns))}"
        f" where {size} > {MAX_RECORD_BYTES}"
    )
    connection.execute(f"checkpoint {NAME}")
    connection.execute(f"set threads = {limits[1]:d}")
    connection.execute(f"set memory_limit = '{limits[0]}'")


def _size_of(column: str) -> str:
    return f'coalesce(strlen("{column}"), 0)'


def _withheld(column: str) -> str:
    """Return the assignment that takes out of a column what is too large."""
    small = f'left("{column}", {_LETTERS_KEPT})'
    if column in _JSON_FIELDS:
        small = f"json_object('withheld_bytes', strlen(\"{column}\"))::varchar"
    is_small = f"{_size_of(column)} <= {_LARGEST_FIELD_BYTES}"
    return f'"{column}" = case when {is_small} then "{column}" else {small} end'


def drop_retired(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what models of older versions made in the attached database, tables and views."""
    relations = connection.execute(
        "select table_name, table_type from information_schema.tables where table_catalog = ?",
        [NAME],
    ).fetchall()
    for name, kind in relations:
        if name in _RETIRED:
            connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {NAME}.main.{name}")


def log_of_changes(database: Path) -> Path:
    """Return where DuckDB writes what is not in the file yet."""
    return database.with_name(f"{database.name}.wal")


@contextmanager
def duckdb_errors_as_sentences(path: Path) -> Iterator[None]:
    """Raise RolecallError where DuckDB cannot write the database at ``path``."""
    try:
        yield
    except duckdb.Error as error:
        raise RolecallError(
            f"The database {path} cannot be written: {first_line(error)}; once that is mended,"
            " the next refresh goes on from here."
        ) from None


def first_line(error: Exception) -> str:
    """Return what DuckDB says of an error, without what follows it."""
    return str(error).splitlines()[0].removeprefix("IO Error: ")
