"""The Lambda function: answers questions through Athena, ``rolecall.lambda_handler.handler``.

An event names a command, as the command line has them, and what it is given::

    {"command": "history", "days": 30, "user": "alice", "role": "*Admin*"}
    {"command": "history", "active": true, "how": ["console switch", "identity center"]}
    {"command": "query", "name": "preview_raw", "from": "2026-04-01", "to": "2026-04-30"}

``rolecall.queries.lambda_event`` reads it. It may name no database, table, workgroup or folder of
results but those of the environment and of ``ROLECALL_ALLOWED``. ``make lambda`` packs this module,
those it needs and the compiled queries.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from rolecall.aws.alarm import TimeIsUp, alarm
from rolecall.aws.answer import Answer, Statistics
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import Patience, make_clients
from rolecall.aws.failed_queries import QueryError
from rolecall.errors import DeadlineError, RolecallError, UsageError
from rolecall.names import Workspace, valid_name, valid_table
from rolecall.output.formats import json_value
from rolecall.parameters import (
    Parameter,
    Value,
    bound_values,
)
from rolecall.queries.coverage import NOT_LOOKED_UP
from rolecall.queries.lambda_event import parameter_texts, query_name, read_event
from rolecall.queries.notes import (
    HISTORY,
    Question,
    check_is_recent,
    newest_log,
    newest_note,
    note_on_coverage,
    note_on_no_match,
    note_on_workloads,
    notes_on_names,
)
from rolecall.result import Result

PACKED_QUERIES = "lambda_queries.json"
"""The file beside this module with the compiled queries and their parameters, by name."""

PLACEHOLDERS = {
    "database": "rolecall_lambda_database",
    "source_database": "rolecall_lambda_source_database",
    "source_table": "rolecall_lambda_source_table",
}
"""How packed queries name what the event or the environment decides."""

_PATIENCE = Patience(attempts=3, answer_seconds=5.0)
# The calls that stop a query: two if its start was not answered yet. botocore's pauses between
# attempts at a server that hangs are below 0.1 s.
_STOPPING_PATIENCE = Patience(attempts=2, connect_seconds=0.4, answer_seconds=0.7)
_MOST_STOPPING_CALLS = 2
# How long what AWS answers may take at the deadline, before it counts as what hangs.
_ANSWERED_SECONDS = 0.3

MARGIN_SECONDS = _ANSWERED_SECONDS + _MOST_STOPPING_CALLS * _STOPPING_PATIENCE.seconds + 0.3
"""What is left of the function's time to stop a query and to answer, though AWS may hang."""

LARGEST_ANSWER = 5_500_000
"""How long the rows of an answer may be, in bytes of JSON: Lambda takes 6 MB ("Lambda quotas")."""

# What of an answer is too much for a log line.
_UNLOGGED = frozenset(("columns", "rows", "notes"))


class Context(Protocol):
    """What Lambda tells about an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still run, in milliseconds."""


@dataclass(frozen=True, slots=True)
class PackedQuery:
    """A compiled query with its parameters."""

    sql: str
    parameters: Mapping[str, Parameter]


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer one question.

    The answer has ``columns``, ``rows`` (objects), ``row_count``, ``left_out`` (rows that did not
    fit; null if there was no time to count them), ``notes`` (sentences on what they do not tell,
    such as days without logs), ``output_location`` (the whole result in S3, as CSV), ``query_id``,
    and ``scanned_bytes``, ``queued_ms``, ``total_ms`` and ``price_usd`` of it and of the notes.

    Raises what ``Athena.run`` raises, UsageError for an event that makes no sense, and
    DeadlineError if the function has no time left to begin; the type of the error is what Lambda
    reports as errorType.
    """
    try:
        return _answer(event, context)
    except QueryError as error:
        _log(
            context,
            "failed",
            error_type=type(error).__name__,
            error=str(error),
            query_id=error.query_id,
            reason=error.reason,
            category=error.category,
            is_retryable=error.is_retryable,
        )
        raise
    except RolecallError as error:
        _log(context, "failed", error_type=type(error).__name__, error=str(error))
        raise


def _answer(event: Any, context: Context) -> dict[str, Any]:
    request = read_event(event)
    name = query_name(request, _packed_queries())
    query = packed_query(name)
    given = parameter_texts(request, event, query.parameters)
    values = bound_values(query.parameters, given)
    question = Question(name, query.parameters, given, UTC)
    is_stale_fine = request.get("stale", False)
    most_rows = request.get("max_rows")
    queries = _Queries(request, context)
    seconds = _seconds_left(context)
    if seconds <= 0:
        raise DeadlineError(
            f"The function has {seconds + MARGIN_SECONDS:.0f} s left, of which {MARGIN_SECONDS:.0f}"
            " are kept to stop a query: give it a longer timeout."
        )
    workspace = queries.workspace
    _log(context, "started", query=name, database=workspace.database, workgroup=workspace.workgroup)
    try:
        with alarm(seconds + _ANSWERED_SECONDS):
            newest = None
            if question.moment is not None:
                newest = newest_log(question, queries.ask)
                if not is_stale_fine:
                    check_is_recent(question, newest, '"stale": true')
            answer = queries.run(query, values)
            body = _body(answer, context, most_rows)
    except TimeIsUp:
        raise DeadlineError(
            "The query was done, but AWS did not hand out its result in time: give the function a"
            " longer timeout, or ask for fewer days."
        ) from None
    body["notes"] = [] if question.moment is None else [newest_note(question, newest)]
    body["notes"] += _notes(question, newest, queries, is_empty=not body["row_count"])
    body |= queries.spent()
    logged = {key: value for key, value in body.items() if key not in _UNLOGGED}
    _log(context, "answered", query=name, **logged)
    return body


class _Queries:
    """Puts packed queries to Athena within the time that the function has left."""

    def __init__(self, request: Mapping[str, Any], context: Context) -> None:
        # The folder of results, the one that the command line uses too.
        results = f"{request['results']}results/" if "results" in request else None
        self.workspace = Workspace(request["database"], request["workgroup"], results)
        self._request = request
        self._context = context
        client, stopping_client = _clients()
        self._athena = Athena(
            self.workspace,
            client,
            stopping_client=stopping_client,
            price_per_tb=request["price_per_tb"],
        )
        self._statistics: list[Statistics] = []

    @property
    def seconds_left(self) -> float:
        """How long the function may still wait for Athena."""
        return _seconds_left(self._context)

    def ask(self, name: str, given: Mapping[str, str | None]) -> Result:
        """Return the rows of a packed query, with its parameters as texts."""
        query = packed_query(name)
        return self.run(query, bound_values(query.parameters, given)).result()

    def run(self, query: PackedQuery, values: Mapping[str, Value]) -> Answer:
        """Return the answer to a packed query. Raises what ``Athena.run`` raises."""
        sql = _with_names(query.sql, self._request)
        answer = self._athena.run(sql, values, self.seconds_left, query.parameters)
        self._statistics.append(answer.statistics)
        return answer

    def spent(self) -> dict[str, Any]:
        """Return what all of them took."""
        return {
            "scanned_bytes": sum(each.scanned_bytes for each in self._statistics),
            "queued_ms": sum(each.queued_ms for each in self._statistics),
            "total_ms": sum(each.total_ms for each in self._statistics),
            "price_usd": sum(each.price for each in self._statistics),
        }


def _notes(
    question: Question, newest: datetime | None, queries: _Queries, *, is_empty: bool
) -> list[str]:
    """Return what the answer does not tell; where that cannot be looked up, that is said.

    The answer is there already: nothing is raised.
    """
    notes: list[str | None] = []
    seconds = queries.seconds_left
    try:
        if seconds <= 0:
            raise TimeIsUp
        with alarm(seconds + _ANSWERED_SECONDS):
            if question.has_days:
                notes.append(note_on_coverage(question, queries.ask, newest))
            if question.name == HISTORY:
                notes.append(note_on_workloads(question.given, queries.ask, '"workloads": true'))
            if is_empty:
                notes += [*notes_on_names(question, queries.ask), note_on_no_match(question)]
    except (RolecallError, TimeIsUp):
        # So it is for a question to the raw logs, too, where nothing is loaded yet.
        notes.append(NOT_LOOKED_UP)
    return [note for note in notes if note is not None]


def packed_query(name: str) -> PackedQuery:
    """Return a packed query. Raises UsageError for an unknown name, RolecallError if none are."""
    packed = _packed_queries()
    if name not in packed:
        raise UsageError(
            f"There is no query {name!r} in this function: it has {', '.join(packed)}."
        )
    return PackedQuery(
        packed[name]["sql"],
        {parameter["name"]: Parameter(**parameter) for parameter in packed[name]["parameters"]},
    )


@cache
def _packed_queries() -> dict[str, Any]:
    file = files("rolecall") / PACKED_QUERIES
    try:
        queries: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RolecallError(
            f"The queries of the function ({PACKED_QUERIES}) are missing: pack it with make lambda."
        ) from None
    return queries


@cache
def _clients() -> list[Any]:
    """Return the clients of Athena, to ask and to stop, for all invocations of this process."""
    region = os.environ.get("ROLECALL_REGION")
    return make_clients("athena", region, _PATIENCE, _STOPPING_PATIENCE)


def _with_names(sql: str, request: Mapping[str, Any]) -> str:
    """Return a packed query with the names of the event in the place of its placeholders."""
    source_database, source_table = valid_table(request["table"])
    names = {
        "database": valid_name("database", request["database"]),
        "source_database": source_database,
        "source_table": source_table,
    }
    for key, name in names.items():
        sql = sql.replace(f'"{PLACEHOLDERS[key]}"', f'"{name}"')
    return sql


def _body(answer: Answer, context: Context, most_rows: int | None) -> dict[str, Any]:
    rows, left_out = rows_that_fit(answer, context, most_rows)
    return {
        "query_id": answer.query_id,
        "columns": [
            {"name": name, "type": type_}
            for name, type_ in zip(answer.columns, answer.types, strict=True)
        ],
        "rows": rows,
        "row_count": len(rows),
        "left_out": left_out,
        "output_location": answer.output_location,
    }


def rows_that_fit(
    answer: Answer, context: Context, most_rows: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """Return the first rows, and how many more there are, None if there is no time to count."""
    rows: list[dict[str, Any]] = []
    size, left_out = 0, 0
    try:
        for number, page in enumerate(answer.pages()):
            if number and _seconds_left(context) <= 0:
                return rows, None
            for row in page:
                if left_out or len(rows) == most_rows:
                    left_out += 1
                    continue
                named = {
                    column: json_value(value, UTC)
                    for column, value in zip(answer.columns, row, strict=True)
                }
                size += len(json.dumps(named)) + len(", ")
                if size > LARGEST_ANSWER:
                    left_out += 1
                    continue
                rows.append(named)
    except TimeIsUp:  # a page that AWS does not hand out
        return rows, None
    return rows, left_out


def _seconds_left(context: Context) -> float:
    return context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS


def _log(context: Context, event: str, **more: Any) -> None:
    """Write one line of JSON, which CloudWatch Logs can search by field."""
    line = {"event": event, "request_id": context.aws_request_id}
    line |= {key: value for key, value in more.items() if value is not None}
    print(json.dumps(line), flush=True)
