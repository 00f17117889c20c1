"""Put questions to the target: an analysis of the project or SQL of the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from rolecall.errors import RolecallError, UsageError
from rolecall.local.database import (
    NAME,
    bound_reader,
    has_table,
    open_database,
    open_memory_database,
)
from rolecall.local.forgotten import forgotten_before
from rolecall.local.lock import writer_of
from rolecall.local.spill import reader_folder
from rolecall.parameters import Parameter, Value, named_parameters, with_markers
from rolecall.queries.confined import check_is_question, check_is_question_to_athena, confine
from rolecall.result import Result
from rolecall.rows import BATCH_ROWS, keep_rows

if TYPE_CHECKING:
    from rolecall.aws.answer import Answer, Statistics
    from rolecall.days import Days
    from rolecall.local.log_files import LogFile
    from rolecall.local.log_source import RawRead
    from rolecall.settings import Settings

_MISSING_TABLE = re.compile(r"Table with name (\w+) does not exist")
# How compiled SQL names the local source: only then is it made.
_LOCAL_SOURCE = '"logs"."main"."cloudtrail_logs"'
_TYPE_NAMES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), "bigint"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER"), "bigint"),
    **dict.fromkeys(("HUGEINT", "UHUGEINT"), "hugeint"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), "timestamp"),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS"), "timestamp"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "double"),
    "UBIGINT": "ubigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
}
# Python has their values as text, or none at all.
_TEXT_TYPES = ("VARCHAR", "JSON", '"NULL"')

# All answers are built from the load that the table of files has as the newest, or an earlier one.
_IS_UNBUILT = f"""
    select coalesce(
        (select max(loaded_at) from {NAME}.main.events)
        > (select max(loaded_at) from {NAME}.main.log_files),
        false
    )
"""


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The rows of a query; from Athena also what it took and where in S3 they are, as CSV.

    ``raw_reads`` has how far log files on this machine were read for it, once a scan.
    """

    result: Result
    statistics: Statistics | None = None
    output_location: str | None = None
    raw_reads: Sequence[RawRead] = ()


def answer(
    sql: str,
    values: Mapping[str, Value],
    parameters: Mapping[str, Parameter],
    settings: Settings,
    days: Days | None = None,
    *,
    allow_files: bool = False,
) -> QueryAnswer:
    """Return the rows of a query on the target, all of them.

    ``sql`` has named parameters, ``values`` a value for each, ``parameters`` their kinds. ``days``
    are those of delivery that it reads of the raw logs on Athena, None if that is not known.
    ``allow_files`` lets a query on the local target read files of this machine.
    Raises RolecallError.
    """
    if settings.target == "local":
        return answer_locally(sql, values, settings, allow_files=allow_files)
    found = answer_on_athena(sql, values, parameters, settings, days)
    return QueryAnswer(found.result(), found.statistics, found.output_location)


def raw_days(values: Mapping[str, Value]) -> Days:
    """Return the days of delivery that an analysis of the raw logs reads for its parameters.

    They are those of its SQL: from ``from_day`` to some days after ``to_day``.
    """
    from rolecall.days import Days
    from rolecall.project.location import project_variables

    first, last = values.get("from_day"), values.get("to_day")
    # to_day is the first instant after the last day.
    late = timedelta(days=project_variables()["late_delivery_days"], seconds=-1)
    return Days(
        first.date() if isinstance(first, datetime) else None,
        (last + late).date() if isinstance(last, datetime) else None,
    )


def raw_log_files(settings: Settings) -> list[LogFile]:
    """Return the log files of the local target that a question to the raw logs is put to.

    Raises RolecallError.
    """
    from rolecall.local.log_files import find_log_files
    from rolecall.local.log_roots import known_log_roots, readable_log_roots

    known: list[str] = []
    if settings.database.exists():
        with open_database(settings.database, settings.wait_seconds) as connection:
            known = known_log_roots(connection)
    roots = readable_log_roots(known, settings.logs)
    return [file for root in roots for file in find_log_files(root)]


def first_kept_day(settings: Settings) -> date | None:
    """Return the first day (UTC) of which events are not forgotten, None if none ever were.

    Nothing can be forgotten on Athena. Raises RolecallError.
    """
    if settings.target != "local":
        return None
    with open_database(settings.database, settings.wait_seconds) as connection:
        return forgotten_before(connection)


def unbuilt_note(settings: Settings) -> str | None:
    """Return a sentence if events are stored that no answer knows of, None if there are none.

    On Athena none is returned: there a refresh holds a lease. Raises RolecallError.
    """
    if settings.target != "local":
        return None
    with open_database(settings.database, settings.wait_seconds) as connection:
        if not has_table(connection, "events") or not has_table(connection, "log_files"):
            return None
        ((is_unbuilt,),) = connection.execute(_IS_UNBUILT).fetchall()
    if not is_unbuilt:
        return None
    writer = writer_of(settings.database)
    if writer is not None:
        return f"Process {writer} is loading logs: the answers are still those of before."
    return (
        "The last refresh did not come to its end: what it loaded is in no answer yet;"
        " `rolecall refresh` goes on with it."
    )


def answer_locally(
    sql: str, values: Mapping[str, Value], settings: Settings, *, allow_files: bool = False
) -> QueryAnswer:
    """Return the rows of a query on the local target, all of them.

    ``sql`` has named parameters, ``values`` a value for each; ``allow_files`` is as ``answer`` has
    it. Raises RolecallError.
    """
    _check_is_one_query(sql)
    with _connection(sql, settings, allow_files=allow_files) as (connection, raw_reads):
        return QueryAnswer(_answer_of(connection, sql, values, settings), raw_reads=raw_reads)


def _answer_of(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Value], settings: Settings
) -> Result:
    try:
        used = {name: values[name] for name in named_parameters(sql)}
        marked = with_markers(sql, lambda name: f"${name}")
        cursor = connection.execute(marked, used)
        columns = [column[0] for column in cursor.description]
        kinds = [str(column[1]) for column in cursor.description]
        if any(_is_cast(kind) for kind in kinds):
            cursor = connection.execute(_with_casts(marked, kinds), used)
        rows = keep_rows(iter(lambda: cursor.fetchmany(BATCH_ROWS), []))
        return Result(columns, [_type_name(kind) for kind in kinds], rows)
    except duckdb.CatalogException as error:
        from rolecall.project.location import project_tables

        missing = _MISSING_TABLE.search(str(error))
        if missing is None or missing[1] not in project_tables():
            raise RolecallError(f"The query failed: {_message(error)}") from None
        writer = writer_of(settings.database)
        way = (
            f"build it with `rolecall refresh --logs DIR --database {settings.database}`"
            if writer is None
            else f"process {writer} is building it; ask again when that is done"
        )
        raise RolecallError(
            f"The database {settings.database} has no table {missing[1]} yet: {way}."
        ) from None
    except duckdb.PermissionException as error:
        raise RolecallError(
            f"The query failed: {_message(error).partition(' - ')[0]}: a query reads the database"
            " and the logs, and other files only with --allow-files."
        ) from None
    except duckdb.Error as error:
        raise RolecallError(f"The query failed: {_message(error)}") from None


def _check_is_one_query(sql: str) -> None:
    """Raise UsageError unless ``sql`` is one statement, RolecallError unless it is a question."""
    marked = with_markers(sql, lambda name: f"${name}")
    try:
        count = len(duckdb.extract_statements(marked))
        if count != 1:
            raise UsageError(f"A query is one statement, and this is {count or 'none'}.")
        check_is_question(marked)
    except duckdb.Error as error:
        raise RolecallError(f"The query failed: {_message(error)}") from None


def answer_on_athena(
    sql: str,
    values: Mapping[str, Value],
    parameters: Mapping[str, Parameter],
    settings: Settings,
    days: Days | None = None,
) -> Answer:
    """Return Athena's answer to a query, within the deadline and the scan limit of ``settings``.

    The arguments are those of ``answer``. Raises RolecallError.
    """
    from rolecall.athena.scan_limit import check_scan, tables_of
    from rolecall.aws.athena_client import Athena
    from rolecall.aws.clients import aws_in
    from rolecall.aws.failed_queries import QueryFailedError

    check_is_question_to_athena(sql)
    check_scan(tables_of(sql), settings, None if days is None else [days])
    client = aws_in(settings.region).athena
    athena = Athena(settings.workspace, client, price_per_tb=settings.price_per_tb)
    used = {name: values[name] for name in named_parameters(sql)}
    try:
        return athena.run(sql, used, settings.deadline_seconds, parameters)
    except QueryFailedError as error:
        if not error.names_missing_table:
            raise
        raise RolecallError(
            f"{settings.schema_name} does not have what this asks for ({error.reason}): build it"
            " with `rolecall refresh --target athena`, or name another with --schema."
        ) from None


@contextmanager
def _connection(
    sql: str, settings: Settings, *, allow_files: bool
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Sequence[RawRead]]]:
    """Open a confined connection with the database, and the raw logs if ``sql`` asks for them.

    The second is how far these were read, once it was asked.
    """
    raw_reads: list[RawRead] = []
    asks_raw_logs = _LOCAL_SOURCE in sql
    with ExitStack() as stack:
        spill = None
        if asks_raw_logs and not settings.database.exists():
            connection = open_memory_database()
        else:
            connection = open_database(settings.database, settings.wait_seconds)
            spill = stack.enter_context(reader_folder(settings.database))
        stack.callback(connection.close)
        if asks_raw_logs:
            from rolecall.local.log_roots import known_log_roots, readable_log_roots
            from rolecall.local.log_source import LogSource

            # Here, not in the scan: what DuckDB makes of an error there is no sentence.
            readable_log_roots(known_log_roots(connection), settings.logs)
            LogSource.create_views(connection)
            LogSource(settings.logs, raw_reads=raw_reads).register(connection, connection)
        else:
            connection.execute(f"use {NAME}")
        if spill is not None:
            bound_reader(connection)
        confine(connection, spill, allow_files=allow_files)
        yield connection, raw_reads


def _message(error: duckdb.Error) -> str:
    text = str(error)
    if "cloudtrail_logs_records" in text or not text:
        return " ".join(text.split())
    first = text.splitlines()[0]
    return first.partition(": ")[2] or first


def _type_name(duckdb_type: str) -> str:
    """Return the name of a type as ``Result`` has it."""
    if duckdb_type in _TYPE_NAMES:
        return _TYPE_NAMES[duckdb_type]
    return duckdb_type.lower() if duckdb_type.startswith("DECIMAL(") else "text"


def _is_cast(duckdb_type: str) -> bool:
    """Return whether values of a type become text in DuckDB: in Python they would lose something.

    A month of an interval would be 30 days, a time have no nanoseconds, a union no names.
    """
    is_text = _type_name(duckdb_type) == "text"
    return is_text and duckdb_type not in _TEXT_TYPES and not duckdb_type.startswith("ENUM(")


def _with_casts(sql: str, kinds: Sequence[str]) -> str:
    """Return a query with the columns of such types cast to text, in JSON where they are nested."""
    (statement,) = duckdb.extract_statements(sql)
    names = [f"column_{number}" for number in range(len(kinds))]
    cast = []
    for name, kind in zip(names, kinds, strict=True):
        if not _is_cast(kind):
            cast.append(name)
        elif kind.endswith("]") or kind.startswith(("STRUCT(", "MAP(")):
            cast.append(f"cast(to_json({name}) as varchar)")
        else:
            cast.append(f"cast({name} as varchar)")
    # A line of its own: the query may end in a comment.
    inner = statement.query.strip().removesuffix(";")
    return f"select {', '.join(cast)} from (\n{inner}\n) as answer ({', '.join(names)})"
