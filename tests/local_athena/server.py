"""Athena's API over HTTP, as far as dbt-athena and Rolecall use it.

The server keeps executions, pages results and writes them to S3; an engine runs the statements.
Source: the API model of Athena in botocore, and Athena's User Guide.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import boto3

from local_athena.statements import InvalidStatementError, Statement
from local_athena.warehouse import (
    CancelledError,
    Outcome,
    QueryFailedError,
    Request,
    ResultColumn,
    ScanLimitError,
)

PAGE_ROWS = 1000
# Lengths of the API model: of a token, of one of ExecutionParameters.
_TOKEN_LENGTHS, _LONGEST_PARAMETER = range(32, 129), 1024
_SMALLEST_CUTOFF = 10_000_000
_RUNNING, _FINAL = ("QUEUED", "RUNNING"), ("SUCCEEDED", "FAILED", "CANCELLED")
_QUEUE_SECONDS = 0.02
_HANG_SECONDS = 60
_FILE = re.compile(r"s3://\S+")


class Engine(Protocol):
    """What runs the statements."""

    def check(self, sql: str) -> Statement:
        """Return what a statement says. Raises InvalidStatementError."""

    def run(self, statement: Statement, request: Request) -> Outcome:
        """Run a statement to its end."""


class ApiError(Exception):
    """An error of the API, such as InvalidRequestException.

    ``athena_code`` is what Athena adds to an invalid request.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, *, athena_code: str = "INVALID_INPUT"
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.athena_code = athena_code

    def body(self) -> dict[str, str]:
        """Return the error as it is sent."""
        body = {"__type": self.code, "Message": str(self)}
        if self.code == "InvalidRequestException":
            body["AthenaErrorCode"] = self.athena_code
        return body


@dataclass
class WorkGroup:
    """A workgroup: where its results go and how much a query may scan, in bytes."""

    name: str
    output_location: str | None = None
    is_enforced: bool = False
    scan_limit: int | None = None


@dataclass
class Execution:
    """One query execution; its times are in seconds since 1970."""

    id: str
    sql: str
    statement: Statement
    schema: str
    workgroup: str
    output_location: str
    parameters: list[str]
    state: str = "QUEUED"
    reason: str | None = None
    error: dict[str, Any] | None = None
    outcome: Outcome = field(default_factory=Outcome)
    submitted_at: float = field(default_factory=time.time)
    started_at: float | None = None
    completed_at: float | None = None
    is_stopped: bool = False

    @property
    def result_path(self) -> str:
        """Where the result is in S3."""
        ending = "csv" if self.statement.type == "DML" else "txt"
        return f"{self.output_location.rstrip('/')}/{self.id}.{ending}"


@dataclass(frozen=True)
class Fault:
    """What befalls the statements that a pattern is found in.

    They are held before they run (in the queue) or after it (what they do is done, and they count
    as running), fail with ``reason``, or, where they fail by themselves, name no file. Those in
    ``spared`` (ids) go on.
    """

    pattern: re.Pattern[str]
    when: str
    reason: str = ""
    spared: set[str] = field(default_factory=set)

    def befalls(self, execution: Execution, when: str) -> bool:
        """Return whether it befalls an execution at some point."""
        return (
            self.when == when
            and execution.id not in self.spared
            and self.pattern.search(execution.sql) is not None
        )


class Athena:
    """The state of the service and its operations.

    ``store`` writes a result to a place in S3. ``requests`` has what was asked, oldest first. For
    tests of faults, ``refuse`` lines up errors to answer with, ``hanging`` withholds answers, and
    while ``capacity`` is not set queries wait in the queue. Tests in other processes ask for faults
    by operations that Athena does not have: HoldStatements, FailStatements, NameNoFiles, EndFault,
    HeldStatements, LetStatementsGo.
    """

    def __init__(
        self,
        engine: Engine,
        workgroups: list[WorkGroup],
        store: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self.engine = engine
        self.workgroups = {workgroup.name: workgroup for workgroup in workgroups}
        self.executions: dict[str, Execution] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.capacity = threading.Event()
        self.capacity.set()
        self._store = store or _put_object
        self._faults: dict[str, Fault] = {}
        self._held: dict[str, str] = {}
        self._refusals: defaultdict[str, deque[ApiError]] = defaultdict(deque)
        self._withheld: dict[str, list[threading.Event]] = {}
        self._tokens: dict[str, tuple[dict[str, Any], str]] = {}
        self._lock = threading.Lock()

    def refuse(self, operation: str, error: ApiError, times: int = 1) -> None:
        """Answer the next requests for an operation with an error."""
        self._refusals[operation].extend([error] * times)

    @contextmanager
    def hanging(self, operation: str, times: int) -> Iterator[None]:
        """Carry out an operation, but withhold the next answers to it meanwhile."""
        released = threading.Event()
        self._withheld[operation] = [released] * times
        try:
            yield
        finally:
            del self._withheld[operation]
            released.set()

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request. Raises ApiError."""
        self.requests.append((operation, request))
        if self._refusals[operation]:
            raise self._refusals[operation].popleft()
        handler = getattr(self, "_" + operation, None)
        if handler is None:
            raise ApiError("UnknownOperationException", f"{operation} is not there", 404)
        answer: dict[str, Any] = handler(request)
        if self._withheld.get(operation):
            self._withheld[operation].pop().wait(_HANG_SECONDS)
        return answer

    def _StartQueryExecution(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        token = request.get("ClientRequestToken")
        if token is None or len(token) not in _TOKEN_LENGTHS:
            raise ApiError("InvalidRequestException", "ClientRequestToken has 32 to 128 characters")
        with self._lock:
            if token in self._tokens:
                known, execution_id = self._tokens[token]
                if known != request:
                    raise ApiError("InvalidRequestException", "Idempotent parameters do not match")
                return {"QueryExecutionId": execution_id}
            execution, workgroup = self._accepted(request)
            self.executions[execution.id] = execution
            self._tokens[token] = (request, execution.id)
        threading.Thread(target=self._run, args=(execution, workgroup), daemon=True).start()
        return {"QueryExecutionId": execution.id}

    def _accepted(self, request: dict[str, Any]) -> tuple[Execution, WorkGroup]:
        workgroup = self.workgroups.get(request.get("WorkGroup", "primary"))
        if workgroup is None:
            raise ApiError("InvalidRequestException", "WorkGroup is not found.")
        location = request.get("ResultConfiguration", {}).get("OutputLocation")
        if workgroup.is_enforced or not location:
            location = workgroup.output_location
        if not location:
            raise ApiError(
                "InvalidRequestException",
                "No output location provided. An output location is required either through the"
                " Workgroup result configuration setting or as an API input.",
            )
        parameters = request.get("ExecutionParameters", [])
        if any(not 1 <= len(parameter) <= _LONGEST_PARAMETER for parameter in parameters):
            raise ApiError("InvalidRequestException", "ExecutionParameters: 1 to 1024 characters")
        try:
            statement = self.engine.check(request["QueryString"])
        except InvalidStatementError as error:
            raise ApiError(
                "InvalidRequestException", str(error), athena_code="MALFORMED_QUERY"
            ) from None
        if workgroup.is_enforced and "external_location" in statement.properties:
            raise ApiError(
                "InvalidRequestException",
                "The Create Table As Select query failed because it was submitted with an"
                " 'external_location' property to an Athena Workgroup that enforces a centralized"
                " output location for all queries. Please remove the 'external_location' property"
                " and resubmit the query.",
            )
        execution = Execution(
            str(uuid.uuid4()),
            request["QueryString"],
            statement,
            request.get("QueryExecutionContext", {}).get("Database", "default"),
            workgroup.name,
            location,
            parameters,
        )
        return execution, workgroup

    def _run(self, execution: Execution, workgroup: WorkGroup) -> None:
        while not self.capacity.wait(_QUEUE_SECONDS):
            if execution.is_stopped:
                return
        self._hold(execution, "before")
        with self._lock:
            if execution.is_stopped:
                return
            execution.state, execution.started_at = "RUNNING", time.time()
        request = Request(
            execution.statement.text,
            execution.schema,
            execution.parameters,
            workgroup.scan_limit,
            lambda: execution.is_stopped,
        )
        state, reason = "SUCCEEDED", None
        try:
            for fault in list(self._faults.values()):
                if fault.befalls(execution, "failed"):
                    raise QueryFailedError(fault.reason)
            execution.outcome = self.engine.run(execution.statement, request)
            if not execution.is_stopped:
                self._store(execution.result_path, _csv(execution).encode())
        except CancelledError:
            state, reason = "CANCELLED", "Query was cancelled by user"
        except ScanLimitError:
            state, reason = "CANCELLED", "Bytes scanned limit was exceeded"
        except QueryFailedError as error:
            state, reason = "FAILED", self._told(execution, str(error))
            execution.error = {
                "ErrorCategory": error.category,
                "ErrorType": error.type,
                "Retryable": error.retryable,
                "ErrorMessage": reason,
            }
        except Exception as error:  # the engine itself broke: never leave a query running
            state, reason = "FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
            execution.error = {"ErrorCategory": 1, "ErrorType": 401, "ErrorMessage": reason}
        self._hold(execution, "after")
        with self._lock:
            if execution.state not in _FINAL:
                execution.reason = reason
                execution.completed_at = time.time()
                execution.state = state

    def _hold(self, execution: Execution, when: str) -> None:
        """Keep a statement where it is, as long as a fault holds it and nobody stops it."""
        while not execution.is_stopped and any(
            fault.befalls(execution, when) for fault in list(self._faults.values())
        ):
            self._held[execution.id] = execution.sql
            time.sleep(_QUEUE_SECONDS)
        self._held.pop(execution.id, None)

    def _told(self, execution: Execution, reason: str) -> str:
        """Return the reason of a failure, without files where a fault names none."""
        if any(fault.befalls(execution, "unnamed") for fault in list(self._faults.values())):
            return _FILE.sub("a file", reason)
        return reason

    def _HoldStatements(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._begun(Fault(_pattern(request), request["When"]))

    def _FailStatements(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._begun(Fault(_pattern(request), "failed", request["Reason"]))

    def _NameNoFiles(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._begun(Fault(_pattern(request), "unnamed"))

    def _begun(self, fault: Fault) -> dict[str, Any]:
        name = str(uuid.uuid4())
        self._faults[name] = fault
        return {"Fault": name}

    def _EndFault(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        del self._faults[request["Fault"]]
        return {}

    def _HeldStatements(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Held": dict(self._held)}

    def _LetStatementsGo(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for fault in self._faults.values():
            fault.spared.update(request["QueryExecutionIds"])
        return {}

    def _GetQueryExecution(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"QueryExecution": _described(self._execution(request))}

    def _BatchGetQueryExecution(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = [self.executions.get(key) for key in request["QueryExecutionIds"]]
        return {"QueryExecutions": [_described(execution) for execution in found if execution]}

    def _ListQueryExecutions(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        workgroup = request.get("WorkGroup", "primary")
        newest_first = reversed(list(self.executions.values()))
        ids = [execution.id for execution in newest_first if execution.workgroup == workgroup]
        start = int(request.get("NextToken", 0))
        end = start + request.get("MaxResults", 50)
        answer: dict[str, Any] = {"QueryExecutionIds": ids[start:end]}
        return answer | ({"NextToken": str(end)} if end < len(ids) else {})

    def _StopQueryExecution(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        execution = self._execution(request)
        with self._lock:
            if execution.state in _RUNNING:
                execution.is_stopped = True
                execution.state = "CANCELLED"
                execution.reason = "Query was cancelled by user"
                execution.completed_at = time.time()
        return {}

    def _GetQueryResults(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        execution = self._execution(request)
        if execution.state != "SUCCEEDED":
            what = "has not yet finished" if execution.state in _RUNNING else "did not succeed"
            raise ApiError(
                "InvalidRequestException", f"Query {what}. Current state: {execution.state}"
            )
        if request.get("MaxResults", PAGE_ROWS) not in range(1, PAGE_ROWS + 1):
            raise ApiError("InvalidRequestException", "MaxResults is from 1 to 1000")
        outcome = execution.outcome
        rows: list[list[str | None]] = list(outcome.rows)
        if outcome.columns and not outcome.is_text:
            rows.insert(0, [column.name for column in outcome.columns])
        start = int(request.get("NextToken", 0))
        end = start + request.get("MaxResults", PAGE_ROWS)
        answer: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [_datum(value) for value in row]} for row in rows[start:end]],
                "ResultSetMetadata": {"ColumnInfo": [_info(column) for column in outcome.columns]},
            }
        }
        if outcome.update_count is not None:
            answer["UpdateCount"] = outcome.update_count
        return answer | ({"NextToken": str(end)} if end < len(rows) else {})

    def _GetWorkGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        workgroup = self.workgroups.get(request["WorkGroup"])
        if workgroup is None:
            raise ApiError("InvalidRequestException", "WorkGroup is not found.")
        configuration: dict[str, Any] = {
            "EnforceWorkGroupConfiguration": workgroup.is_enforced,
            "ResultConfiguration": {},
        }
        if workgroup.output_location:
            configuration["ResultConfiguration"]["OutputLocation"] = workgroup.output_location
        if workgroup.scan_limit:
            configuration["BytesScannedCutoffPerQuery"] = workgroup.scan_limit
        return {
            "WorkGroup": {
                "Name": workgroup.name,
                "State": "ENABLED",
                "Configuration": configuration,
            }
        }

    def _CreateWorkGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name, configuration = request["Name"], request.get("Configuration", {})
        limit = configuration.get("BytesScannedCutoffPerQuery")
        if name in self.workgroups:
            raise ApiError("InvalidRequestException", "WorkGroup is already created")
        if limit is not None and limit < _SMALLEST_CUTOFF:
            raise ApiError("InvalidRequestException", "BytesScannedCutoffPerQuery is too small")
        self.workgroups[name] = WorkGroup(
            name,
            configuration.get("ResultConfiguration", {}).get("OutputLocation"),
            configuration.get("EnforceWorkGroupConfiguration", True),
            limit,
        )
        return {}

    def _execution(self, request: dict[str, Any]) -> Execution:
        execution = self.executions.get(request["QueryExecutionId"])
        if execution is None:
            raise ApiError(
                "InvalidRequestException",
                f"QueryExecution {request['QueryExecutionId']} was not found",
            )
        return execution


class Server(ThreadingHTTPServer):
    """Serves an ``Athena`` on a free port of this machine."""

    daemon_threads = True

    def __init__(self, athena: Athena) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.athena = athena

    @property
    def url(self) -> str:
        """The address that AWS_ENDPOINT_URL_ATHENA takes."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        try:
            status, answer = 200, self.server.athena.answer(operation, json.loads(body))
        except ApiError as error:
            status, answer = error.status, error.body()
        text = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except ConnectionError:  # who has waited too long is gone
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: what matters is in the executions."""


def _pattern(request: dict[str, Any]) -> re.Pattern[str]:
    return re.compile(request["Pattern"], re.DOTALL | re.IGNORECASE)


def _described(execution: Execution) -> dict[str, Any]:
    completed_at = execution.completed_at or time.time()
    started_at = execution.started_at or completed_at
    status: dict[str, Any] = {
        "State": execution.state,
        "SubmissionDateTime": execution.submitted_at,
    }
    if execution.completed_at:
        status["CompletionDateTime"] = execution.completed_at
    if execution.reason:
        status["StateChangeReason"] = execution.reason
    if execution.error:
        status["AthenaError"] = execution.error
    return {
        "QueryExecutionId": execution.id,
        "Query": execution.sql,
        "StatementType": execution.statement.type,
        "SubstatementType": execution.statement.substatement,
        "ResultConfiguration": {"OutputLocation": execution.result_path},
        "QueryExecutionContext": {"Database": execution.schema, "Catalog": "awsdatacatalog"},
        "ExecutionParameters": execution.parameters,
        "Status": status,
        "Statistics": {
            "DataScannedInBytes": execution.outcome.scanned_bytes,
            "EngineExecutionTimeInMillis": int(1000 * (completed_at - started_at)),
            "TotalExecutionTimeInMillis": int(1000 * (completed_at - execution.submitted_at)),
            "QueryQueueTimeInMillis": int(1000 * (started_at - execution.submitted_at)),
        },
        "WorkGroup": execution.workgroup,
    }


def _put_object(place: str, body: bytes) -> None:
    bucket, _, key = place.removeprefix("s3://").partition("/")
    _s3(os.environ["AWS_ENDPOINT_URL"]).put_object(Bucket=bucket, Key=key, Body=body)


@cache
def _s3(url: str) -> Any:
    """Return the client of S3 at an address: to make one takes longer than a statement."""
    return boto3.client("s3", endpoint_url=url)


def _datum(value: str | None) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": value}


def _info(column: ResultColumn) -> dict[str, Any]:
    name = column.type.partition("(")[0]
    if "with time zone" in column.type:
        name = "timestamp with time zone"
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": name,
        "Precision": 0,
        "Scale": 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": name == "varchar",
    }


def _csv(execution: Execution) -> str:
    """Return the result as Athena writes it: every value in quotes, NULL as nothing."""
    if execution.statement.type != "DML":
        return "".join(
            "\t".join(value or "" for value in row) + "\n" for row in execution.outcome.rows
        )
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    if execution.outcome.columns:
        writer.writerow([column.name for column in execution.outcome.columns])
    for row in execution.outcome.rows:
        quoted = ("" if value is None else '"' + value.replace('"', '""') + '"' for value in row)
        stream.write(",".join(quoted) + "\n")
    return stream.getvalue()
