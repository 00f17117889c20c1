"""Runs Athena's statements: queries on Trino, tables of Hive in Glue.

What Athena refuses and Trino takes is refused here. Sources: Athena's User Guide ("Considerations
and limitations for CTAS queries", "Supported data types for Iceberg tables in Athena").
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local_athena.statements import Column, InvalidStatementError, Statement, TableName, parse

CLOUDTRAIL_FORMAT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
CLOUDTRAIL_SERDE = "com.amazon.emr.hive.serde.CloudTrailSerde"
JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
TEXT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

_STATEMENT_SECONDS = 120
_HTTP_SECONDS = 30
_ICEBERG_PROPERTIES = ("location", "partitioning", "format", "format_version")
_HIVE_PROPERTIES = ("external_location", "partitioned_by", "bucketed_by", "bucket_count", "format")
# What Athena calls the engine's errors, as far as somebody looks ("Athena error catalog").
_USER_ERROR, _SYSTEM_ERROR = 1000, 200
_ERROR_TYPES = {
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "COLUMN_NOT_FOUND": 1006,
    "ICEBERG_COMMIT_ERROR": 233,
}
_DAYS = {"YEAR": 365, "MONTH": 30, "WEEK": 7}


class QueryFailedError(Exception):
    """A statement that failed as it would on Athena: ``ERROR_NAME: message``."""

    def __init__(
        self,
        message: str,
        *,
        category: int = 2,
        type_: int = _USER_ERROR,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.category = category
        self.type = type_
        self.retryable = retryable


class ScanLimitError(Exception):
    """The workgroup's limit on bytes scanned was reached."""


class CancelledError(Exception):
    """The statement was stopped while it ran."""


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result with Trino's name of its type."""

    name: str
    type: str


@dataclass(slots=True)
class Outcome:
    """What a statement gave: rows as texts, None for NULL; counts and bytes."""

    columns: list[ResultColumn] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    update_count: int | None = None
    scanned_bytes: int = 0
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A statement as it was started; ``is_cancelled`` is asked while it runs."""

    sql: str
    schema: str
    parameters: Sequence[str] = ()
    scan_limit: int | None = None
    is_cancelled: Callable[[], bool] = lambda: False


class Warehouse:
    """Athena's engine: ``trino_url`` runs the SQL, boto3's endpoints are those of moto."""

    def __init__(self, trino_url: str) -> None:
        self._trino_url = trino_url
        self._glue: Any = boto3.client("glue")
        self._s3: Any = boto3.client("s3")

    def check(self, sql: str) -> Statement:
        """Return what a statement says. Raises InvalidStatementError."""
        return parse(sql)

    def run(self, statement: Statement, request: Request) -> Outcome:
        """Run a statement. Raises QueryFailedError, ScanLimitError or CancelledError."""
        handler = getattr(self, "_" + statement.kind.replace(" ", "_"))
        outcome: Outcome = handler(statement, request)
        return outcome

    # --- queries -------------------------------------------------------------------------------

    def _select(self, statement: Statement, request: Request) -> Outcome:
        return self._trino(statement.text, request)

    def _insert(self, statement: Statement, request: Request) -> Outcome:
        return self._trino(statement.text, request)

    def _merge(self, statement: Statement, request: Request) -> Outcome:
        return self._changed(statement, request)

    def _delete(self, statement: Statement, request: Request) -> Outcome:
        return self._changed(statement, request)

    def _update(self, statement: Statement, request: Request) -> Outcome:
        return self._changed(statement, request)

    def _changed(self, statement: Statement, request: Request) -> Outcome:
        if not self._is_iceberg(statement.table, request):
            raise QueryFailedError(
                "NOT_SUPPORTED: Modifying Hive table rows is only supported for Iceberg tables"
            )
        return self._trino(statement.text, request)

    def _utility(self, statement: Statement, request: Request) -> Outcome:
        text = statement.text.replace("`", '"')
        outcome = self._trino(text, request)
        outcome.is_text = True
        return outcome

    def _create_view(self, statement: Statement, request: Request) -> Outcome:
        outcome = self._trino(statement.text, request)
        # Trino writes a view without its columns into Glue; Athena writes them.
        columns = self._output_columns(statement.query, request)
        database, name = self._place(statement.table, request)
        table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        table_input = _table_input(table)
        table_input["StorageDescriptor"]["Columns"] = [
            {"Name": column.name, "Type": _hive_type(column.type)} for column in columns
        ]
        self._glue.update_table(DatabaseName=database, TableInput=table_input)
        outcome.columns, outcome.rows = [], []
        return outcome

    # --- tables --------------------------------------------------------------------------------

    def _create_table_as(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        properties = statement.properties
        if _text(properties.get("table_type", "'hive'")).lower() == "iceberg":
            self._refuse_types_of_iceberg(statement.query, request)
            catalog, kept = "iceberg", frozenset(_ICEBERG_PROPERTIES)
        else:
            self._refuse_full_location(_text(properties.get("external_location", "''")))
            catalog, kept = "awsdatacatalog", frozenset(_HIVE_PROPERTIES)
        written = {key: value for key, value in properties.items() if key in kept}
        if "format" in written:
            written["format"] = written["format"].upper()
        clause = ", ".join(f"{key} = {value}" for key, value in written.items())
        session = {}
        if "write_compression" in properties:
            codec = _text(properties["write_compression"]).upper()
            session[f"{catalog}.compression_codec"] = codec
        outcome = self._trino(
            f'create table "{catalog}"."{database}"."{name}" with ({clause}) as {statement.query}',
            request,
            session,
        )
        outcome.columns, outcome.rows = [], []
        return outcome

    def _create_iceberg_table(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        columns = ", ".join(
            f'"{column.name}" {_trino_type(column.type)}' for column in statement.columns
        )
        partitioning = [part for part in statement.properties["partitioning"].split(",") if part]
        clause = f"location = '{statement.properties['location']}'"
        if partitioning:
            clause += f", partitioning = array[{', '.join(repr(part) for part in partitioning)}]"
        exists_ok = "if not exists " if statement.exists_ok else ""
        return self._trino(
            f'create table {exists_ok}iceberg."{database}"."{name}" ({columns}) with ({clause})',
            request,
        )

    def _create_external_table(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        storage = {
            key.removeprefix("clause "): value
            for key, value in statement.properties.items()
            if key.startswith("clause ")
        }
        parameters = {
            key: value
            for key, value in statement.properties.items()
            if not key.startswith("clause ")
        } | {"EXTERNAL": "TRUE"}
        serde = storage.get("serde", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")
        input_format = storage.get("inputformat", TEXT_FORMAT)
        if input_format == CLOUDTRAIL_FORMAT:
            # The objects of the test bucket are written as that format reads them: one record a
            # line, objects under a STRING column as JSON text. See ``engine.upload_logs``.
            parameters["declared_inputformat"], parameters["declared_serde"] = input_format, serde
            input_format, serde = TEXT_FORMAT, JSON_SERDE
        for key, value in parameters.items():
            if key.startswith("projection.") and key.endswith(".range"):
                parameters[key] = _in_days(value)
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            "PartitionKeys": _glue_columns(statement.partitions),
            "StorageDescriptor": {
                "Columns": _glue_columns(statement.columns),
                "Location": storage["location"],
                "InputFormat": input_format,
                "OutputFormat": storage.get("outputformat", TEXT_OUTPUT),
                "SerdeInfo": {
                    "SerializationLibrary": serde,
                    "Parameters": {
                        key.removeprefix("serde."): value
                        for key, value in storage.items()
                        if key.startswith("serde.")
                    },
                },
            },
        }
        self._glue_call(
            "create_table", statement.exists_ok, DatabaseName=database, TableInput=table
        )
        return Outcome()

    def _create_schema(self, statement: Statement, request: Request) -> Outcome:
        assert statement.table is not None
        database = {"Name": statement.table.schema}
        if "location" in statement.properties:
            database["LocationUri"] = statement.properties["location"]
        self._glue_call("create_database", statement.exists_ok, DatabaseInput=database)
        return Outcome()

    def _drop_schema(self, statement: Statement, request: Request) -> Outcome:
        assert statement.table is not None
        self._glue_call("delete_database", statement.exists_ok, Name=statement.table.schema)
        return Outcome()

    def _drop_table(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        if self._is_iceberg(statement.table, request):
            return self._trino(f'drop table iceberg."{database}"."{name}"', request)
        self._glue_call("delete_table", statement.exists_ok, DatabaseName=database, Name=name)
        return Outcome()

    def _drop_view(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        self._glue_call("delete_table", statement.exists_ok, DatabaseName=database, Name=name)
        return Outcome()

    def _set_properties(self, statement: Statement, request: Request) -> Outcome:
        def change(table: dict[str, Any]) -> None:
            table["Parameters"] = table.get("Parameters", {}) | statement.properties

        return self._changed_in_glue(statement, request, change)

    def _add_columns(self, statement: Statement, request: Request) -> Outcome:
        if self._is_iceberg(statement.table, request):
            database, name = self._place(statement.table, request)
            for column in statement.columns:
                self._trino(
                    f'alter table iceberg."{database}"."{name}" add column "{column.name}"'
                    f" {_trino_type(column.type)}",
                    request,
                )
            return Outcome()

        def change(table: dict[str, Any]) -> None:
            table["StorageDescriptor"]["Columns"] += _glue_columns(statement.columns)

        return self._changed_in_glue(statement, request, change)

    def _replace_columns(self, statement: Statement, request: Request) -> Outcome:
        def change(table: dict[str, Any]) -> None:
            table["StorageDescriptor"]["Columns"] = _glue_columns(statement.columns)

        return self._changed_in_glue(statement, request, change)

    def _rename_table(self, statement: Statement, request: Request) -> Outcome:
        return self._altered_iceberg(
            statement, request, lambda: "rename to " + self._quoted(statement.target, request)
        )

    def _drop_column(self, statement: Statement, request: Request) -> Outcome:
        (column,) = statement.columns
        return self._altered_iceberg(statement, request, lambda: f'drop column "{column.name}"')

    def _change_column(self, statement: Statement, request: Request) -> Outcome:
        old, new = statement.columns
        if old.name != new.name:
            return self._altered_iceberg(
                statement, request, lambda: f'rename column "{old.name}" to "{new.name}"'
            )
        return self._altered_iceberg(
            statement,
            request,
            lambda: f'alter column "{new.name}" set data type {_trino_type(new.type)}',
        )

    def _altered_iceberg(
        self, statement: Statement, request: Request, change: Callable[[], str]
    ) -> Outcome:
        if not self._is_iceberg(statement.table, request):
            raise QueryFailedError(
                "NOT_SUPPORTED: This form of ALTER TABLE is only supported for Iceberg tables"
            )
        return self._trino(
            f"alter table {self._quoted(statement.table, request)} {change()}", request
        )

    def _add_partitions(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        keys = [key["Name"] for key in table["PartitionKeys"]]
        for values, location in statement.locations:
            storage = table["StorageDescriptor"] | {"Location": location}
            partition = {"Values": [values[key] for key in keys], "StorageDescriptor": storage}
            self._glue_call(
                "create_partition",
                statement.exists_ok,
                DatabaseName=database,
                TableName=name,
                PartitionInput=partition,
            )
        return Outcome()

    def _show_partitions(self, statement: Statement, request: Request) -> Outcome:
        database, name = self._place(statement.table, request)
        table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        keys = [key["Name"] for key in table["PartitionKeys"]]
        found = self._glue.get_partitions(DatabaseName=database, TableName=name)["Partitions"]
        names = sorted(
            "/".join(f"{key}={value}" for key, value in zip(keys, partition["Values"], strict=True))
            for partition in found
        )
        return Outcome(
            [ResultColumn("partition", "varchar")], [[name] for name in names], is_text=True
        )

    def _optimize(self, statement: Statement, request: Request) -> Outcome:
        name = self._quoted(statement.table, request)
        return self._trino(f"alter table {name} execute optimize {statement.where}", request)

    def _vacuum(self, statement: Statement, request: Request) -> Outcome:
        name = self._quoted(statement.table, request)
        for procedure in ("expire_snapshots", "remove_orphan_files"):
            self._trino(
                f"alter table {name} execute {procedure}(retention_threshold => '5d')", request
            )
        return Outcome()

    # --- what Athena refuses -------------------------------------------------------------------

    def _refuse_types_of_iceberg(self, query: str, request: Request) -> None:
        for column in self._output_columns(query, request):
            if column.type.endswith("with time zone"):
                raise QueryFailedError(
                    f"NOT_SUPPORTED: Type not supported for Iceberg: {column.type}"
                )
            if re.fullmatch(r"timestamp\((?!6\)).*", column.type):
                precision = re.sub(r"\D", "", column.type)
                raise QueryFailedError(
                    f"NOT_SUPPORTED: Timestamp precision ({precision}) not supported for Iceberg."
                    ' Use "timestamp(6)" instead.'
                )
            if column.type in ("tinyint", "smallint") or column.type.startswith("char("):
                raise QueryFailedError(
                    f"NOT_SUPPORTED: Type not supported for Iceberg: {column.type}"
                )

    def _refuse_full_location(self, location: str) -> None:
        if not location:
            return
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        prefix = prefix.rstrip("/") + "/"
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        if found.get("KeyCount"):
            raise QueryFailedError(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {location}"
            )

    # --- Glue ----------------------------------------------------------------------------------

    def _place(self, table: TableName | None, request: Request) -> tuple[str, str]:
        assert table is not None
        return table.schema or request.schema, table.table

    def _quoted(self, table: TableName | None, request: Request) -> str:
        database, name = self._place(table, request)
        return f'iceberg."{database}"."{name}"'

    def _is_iceberg(self, table: TableName | None, request: Request) -> bool:
        database, name = self._place(table, request)
        try:
            found = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError:
            return False
        kind: str = found.get("Parameters", {}).get("table_type", "")
        return kind.upper() == "ICEBERG"

    def _changed_in_glue(
        self, statement: Statement, request: Request, change: Callable[[dict[str, Any]], None]
    ) -> Outcome:
        database, name = self._place(statement.table, request)
        try:
            table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError:
            raise QueryFailedError(f"TABLE_NOT_FOUND: Table {database}.{name} not found") from None
        table_input = _table_input(table)
        change(table_input)
        self._glue.update_table(DatabaseName=database, TableInput=table_input)
        return Outcome()

    def _glue_call(self, operation: str, exists_ok: bool, **arguments: Any) -> None:
        try:
            getattr(self._glue, operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if exists_ok and code in ("AlreadyExistsException", "EntityNotFoundException"):
                return
            raise QueryFailedError(f"{code}: {error.response['Error']['Message']}") from None

    # --- Trino ---------------------------------------------------------------------------------

    def _output_columns(self, query: str, request: Request) -> list[ResultColumn]:
        return self._trino(f"select * from ({query}) where false", request).columns

    def _trino(self, sql: str, request: Request, session: dict[str, str] | None = None) -> Outcome:
        if request.parameters and sql == request.sql:
            quoted = sql.replace("'", "''")
            sql = f"execute immediate '{quoted}' using {', '.join(request.parameters)}"
        headers = {
            "X-Trino-User": "athena",
            "X-Trino-Catalog": "awsdatacatalog",
            "X-Trino-Schema": request.schema,
            "X-Trino-Time-Zone": "UTC",
            # Without it Trino cuts every timestamp to milliseconds.
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            "X-Trino-Session": ",".join(f"{key}={value}" for key, value in (session or {}).items()),
        }
        outcome = Outcome()
        deadline = time.monotonic() + _STATEMENT_SECONDS
        page = _http("POST", f"{self._trino_url}/v1/statement", headers, sql.encode())
        while True:
            if "error" in page:
                _raise(page["error"])
            if page.get("columns"):
                outcome.columns = [
                    ResultColumn(column["name"], column["type"]) for column in page["columns"]
                ]
            for row in page.get("data") or []:
                outcome.rows.append(
                    [
                        _shown(value, column.type)
                        for value, column in zip(row, outcome.columns, strict=True)
                    ]
                )
            outcome.scanned_bytes = page["stats"].get("physicalInputBytes", 0)
            outcome.update_count = page.get("updateCount", outcome.update_count)
            # Trino's own limit is looked at once a second, too late for most tests.
            if request.scan_limit is not None and outcome.scanned_bytes > request.scan_limit:
                if "nextUri" in page:
                    _http("DELETE", page["nextUri"], headers)
                raise ScanLimitError
            if "nextUri" not in page:
                return outcome
            if request.is_cancelled() or time.monotonic() > deadline:
                _http("DELETE", page["nextUri"], headers)
                raise CancelledError
            page = _http("GET", page["nextUri"], headers)


def _http(
    method: str, url: str, headers: dict[str, str], body: bytes | None = None
) -> dict[str, Any]:
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as response:
        text = response.read()
    answer: dict[str, Any] = json.loads(text) if text else {}
    return answer


def _raise(error: dict[str, Any]) -> None:
    name, message = error["errorName"], error["message"]
    if name == "USER_CANCELED":
        raise CancelledError
    system = error["errorType"] in ("INTERNAL_ERROR", "EXTERNAL", "INSUFFICIENT_RESOURCES")
    raise QueryFailedError(
        f"{name}: {message}",
        category=1 if system else 2,
        type_=_ERROR_TYPES.get(name, _SYSTEM_ERROR if system else _USER_ERROR),
        retryable=name.startswith("ICEBERG_COMMIT"),
    )


def _table_input(table: dict[str, Any]) -> dict[str, Any]:
    """Return what UpdateTable takes of what GetTable gave."""
    kept = [*("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor", "Owner")]
    kept += ["ViewOriginalText", "ViewExpandedText", "Description", "Retention"]
    return {key: table[key] for key in kept if key in table}


def _glue_columns(columns: Sequence[Column]) -> list[dict[str, str]]:
    return [{"Name": column.name, "Type": column.type} for column in columns]


def _text(literal: str) -> str:
    return literal.strip("'")


def _in_days(value: str) -> str:
    """Return a projection's range in days: Trino knows no longer unit."""

    def days(match: re.Match[str]) -> str:
        return f"NOW{match[1]}{int(match[2]) * _DAYS[match[3].upper()]}DAYS"

    return re.sub(r"(?i)NOW([+-])(\d+)(YEAR|MONTH|WEEK)S?", days, value)


def _hive_type(trino_type: str) -> str:
    """Return Hive's name of a type of Trino."""
    if trino_type.startswith("timestamp"):
        return "timestamp"
    simple = {"integer": "int", "varchar": "string", "real": "float", "varbinary": "binary"}
    name = re.sub(r"\(.*", "", trino_type) if trino_type.startswith("varchar") else trino_type
    if name in simple:
        return simple[name]
    if trino_type.startswith("array("):
        return f"array<{_hive_type(trino_type[6:-1])}>"
    return name


def _trino_type(hive_type: str) -> str:
    """Return Trino's name of a type of Hive, for Iceberg."""
    simple = {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary"}
    if hive_type == "timestamp":
        return "timestamp(6)"
    return simple.get(hive_type, hive_type)


def _shown(value: Any, trino_type: str) -> str | None:
    """Return a value of Trino's JSON as Athena writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if trino_type == "varbinary":
        return " ".join(f"{byte:02x}" for byte in b64decode(value))
    if isinstance(value, list):
        if trino_type.startswith("row"):
            names = re.findall(r'(?:row\(|, )"?(\w+)"? ', trino_type)
            names += [f"field{index}" for index in range(len(names), len(value))]
            inside = (
                f"{name}={_shown(part, '')}" for name, part in zip(names, value, strict=False)
            )
            return "{" + ", ".join(inside) + "}"
        return "[" + ", ".join(_shown(part, "") or "null" for part in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(part, '')}" for key, part in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value)


__all__ = [
    "CancelledError",
    "InvalidStatementError",
    "Outcome",
    "QueryFailedError",
    "Request",
    "ResultColumn",
    "ScanLimitError",
    "Warehouse",
]
