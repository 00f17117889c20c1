"""Put questions to the target: an analysis of the project or SQL of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from rolecall.database import NAME, open_database
from rolecall.errors import RolecallError
from rolecall.output import Result
from rolecall.parameters import Value, named_parameters, with_markers

if TYPE_CHECKING:
    from rolecall.settings import Settings

# How compiled SQL names the local source: only then is it made.
_LOCAL_SOURCE = '"logs"."main"."cloudtrail_logs"'


def answer_locally(sql: str, values: Mapping[str, Value], settings: Settings) -> Result:
    """Return the rows of a query on the local target, all of them.

    ``sql`` has named parameters, ``values`` a value for each. Raises RolecallError.
    """
    connection = _connection(sql, settings)
    try:
        used = {name: values[name] for name in named_parameters(sql)}
        cursor = connection.execute(with_markers(sql, lambda name: f"${name}"), used)
        if cursor.description is None:
            return Result([], [], [])
        columns = [column[0] for column in cursor.description]
        types = [_type_name(str(column[1])) for column in cursor.description]
        rows = [tuple(map(_plain_value, row)) for row in cursor.fetchall()]
        return Result(columns, types, rows)
    except duckdb.Error as error:
        raise RolecallError(f"The query failed: {_message(error)}") from None
    finally:
        connection.close()


def _connection(sql: str, settings: Settings) -> duckdb.DuckDBPyConnection:
    """Return a connection with the database, and with the raw logs if ``sql`` asks for them."""
    asks_raw_logs = _LOCAL_SOURCE in sql
    if asks_raw_logs and not settings.database.exists():
        connection = duckdb.connect(":memory:")
    else:
        connection = open_database(settings.database, settings.wait_seconds)
    if asks_raw_logs:
        from rolecall.log_source import LogSource

        LogSource.create_views(connection)
        LogSource(settings.logs).register(connection, connection)
    elif settings.database.exists():
        connection.execute(f"use {NAME}")
    return connection


def _message(error: duckdb.Error) -> str:
    text = str(error)
    if "cloudtrail_logs_records" in text or not text:
        return text
    first = text.splitlines()[0]
    return first.partition(": ")[2] or first


def _type_name(duckdb_type: str) -> str:
    """Return the name of a type as ``Result`` has it."""
    name = duckdb_type.upper()
    if name.startswith("TIMESTAMP"):
        return "timestamp"
    if name in ("DATE", "BOOLEAN"):
        return name.lower()
    if name in ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "HUGEINT"):
        return "bigint"
    if name in ("DOUBLE", "FLOAT") or name.startswith("DECIMAL"):
        return "double"
    return "text"


def _plain_value(value: Any) -> Any:
    """Return a value of one of ``Result``'s types; lists and structs become text."""
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, (str, bool, int, float, datetime, date)):
        return value
    return str(value)
