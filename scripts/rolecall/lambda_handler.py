"""The Lambda function: answers questions through Athena, ``rolecall.lambda_handler.handler``.

An event names a command, as the command line has them, and what it is given::

    {"command": "history", "days": 30, "user": "alice", "role": "*Admin*"}
    {"command": "history", "active": true, "how": ["console switch", "identity center"]}
    {"command": "query", "name": "preview_raw", "from": "2026-04-01", "to": "2026-04-30"}

What an event leaves out comes from the environment of the function, see ``_ENVIRONMENT``. Whoever
may invoke the function writes the event, so that it is believed no more than a log: every member
has a type and a size, and it may name no database, table, workgroup or place for results but those
of the environment and of ``ROLECALL_ALLOWED``. ``make lambda`` packs this module, those it needs
and the compiled queries.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from rolecall.aws.alarm import TimeIsUp, alarm
from rolecall.aws.answer import Answer, Statistics
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import Patience, make_clients
from rolecall.aws.failed_queries import QueryError
from rolecall.errors import DeadlineError, RolecallError, UsageError
from rolecall.names import Workspace, valid_folder, valid_name, valid_table
from rolecall.output.formats import json_value
from rolecall.parameters import (
    LONGEST_LITERAL,
    Parameter,
    Value,
    bound_values,
    check_window,
    day,
    dollars,
    now,
    shown,
)
from rolecall.queries.coverage import NOT_LOOKED_UP
from rolecall.queries.notes import (
    CONSOLE_SWITCH,
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

_ENVIRONMENT = {
    "command": "ROLECALL_COMMAND",
    "name": "ROLECALL_QUERY",
    "database": "ROLECALL_SCHEMA",
    "table": "ROLECALL_TABLE",
    "workgroup": "ROLECALL_WORKGROUP",
    "results": "ROLECALL_RESULTS",
    "days": "ROLECALL_DAYS",
    "from": "ROLECALL_FROM",
    "to": "ROLECALL_TO",
    "account": "ROLECALL_ACCOUNT",
    "source_account": "ROLECALL_SOURCE_ACCOUNT",
    "user": "ROLECALL_USER",
    "role": "ROLECALL_ROLE",
    "how": "ROLECALL_HOW",
    "outcome": "ROLECALL_OUTCOME",
    "mfa": "ROLECALL_MFA",
    "max_rows": "ROLECALL_MAX_ROWS",
    "price_per_tb": "ROLECALL_PRICE_PER_TB",
}
# Where questions are put: an event may choose among what the environment allows.
_PLACES = ("database", "table", "workgroup", "results")
_ALLOWED = "ROLECALL_ALLOWED"
_MOST_PARTS = 100
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DEFAULTS = {
    "database": "rolecall",
    "table": "default.cloudtrail_logs",
    "workgroup": "primary",
    "price_per_tb": "5",
}
_FILTERS = ("account", "source_account", "user", "role", "how", "outcome", "mfa")
_DAYS = {"from": "from_day", "to": "to_day"}
_MOST_DAYS = 36_500
# The keys of an event that set each parameter.
_SOURCES = {key: (key,) for key in _FILTERS} | {
    "from_day": ("from", "days"),
    "to_day": ("to", "days"),
    "how": ("how", "switches"),
    "workloads": ("workloads",),
    "active_at": ("active", "at"),
}

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
    asked = _asked(event)
    name = _query_name(asked)
    query = packed_query(name)
    given = _given(asked, event, query)
    values = bound_values(query.parameters, given)
    question = Question(name, query.parameters, given, UTC)
    is_stale_fine = asked.get("stale", False)
    most_rows = asked.get("max_rows")
    queries = _Queries(asked, context)
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
            told = _told(answer, context, most_rows)
    except TimeIsUp:
        raise DeadlineError(
            "The query was done, but AWS did not hand out its result in time: give the function a"
            " longer timeout, or ask for fewer days."
        ) from None
    told["notes"] = [] if question.moment is None else [newest_note(question, newest)]
    told["notes"] += _notes(question, newest, queries, is_empty=not told["row_count"])
    told |= queries.spent()
    logged = {key: value for key, value in told.items() if key not in _UNLOGGED}
    _log(context, "answered", query=name, **logged)
    return told


class _Queries:
    """Puts packed queries to Athena within the time that the function has left."""

    def __init__(self, asked: Mapping[str, Any], context: Context) -> None:
        # The folder of results at the place, the one that the command line uses too.
        results = f"{asked['results']}results/" if "results" in asked else None
        self.workspace = Workspace(asked["database"], asked["workgroup"], results)
        self._asked = asked
        self._context = context
        client, stopping_client = _clients()
        self._athena = Athena(
            self.workspace,
            client,
            stopping_client=stopping_client,
            price_per_tb=asked["price_per_tb"],
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
        sql = _with_names(query.sql, self._asked)
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
            if question.has_window:
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
    packed = _packed()
    if name not in packed:
        raise UsageError(
            f"There is no query {name!r} in this function: it has {', '.join(packed)}."
        )
    return PackedQuery(
        packed[name]["sql"],
        {parameter["name"]: Parameter(**parameter) for parameter in packed[name]["parameters"]},
    )


@cache
def _packed() -> dict[str, Any]:
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


def _asked(event: Any) -> dict[str, Any]:
    """Return what is asked: the event, then the environment, then what goes without saying.

    Each member is of its type, see ``_MEMBERS``. Raises UsageError.
    """
    if not isinstance(event, Mapping):
        raise UsageError('The event is not an object such as {"command": "history"}.')
    unknown = sorted(event.keys() - _MEMBERS.keys())
    if unknown:
        known = ", ".join(_MEMBERS)
        raise UsageError(
            f"The event has {shown(unknown[0])}, which means nothing here: it may have {known}."
        )
    own: dict[str, Any] = dict(_DEFAULTS)
    for key, variable in _ENVIRONMENT.items():
        if os.environ.get(variable):
            own[key] = os.environ[variable]
    own = _typed(own)
    told = _typed({key: value for key, value in event.items() if value is not None})
    _check_places(told, own)
    asked = own | told
    if "days" in told:
        # Days of the event push out the environment's, and the other way round.
        for key in ("from", "to"):
            if key not in told:
                asked.pop(key, None)
    elif "from" in told or "to" in told:
        asked.pop("days", None)
    if "switches" in told and "how" not in told:
        asked.pop("how", None)
    return asked


def _typed(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members of an event or of the environment as what they stand for."""
    return {key: _MEMBERS[key](key, value) for key, value in members.items()}


def _check_places(told: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise UsageError for an event that goes where the environment does not allow it to go."""
    more = _allowed()
    for key in _PLACES:
        if key not in told:
            continue
        allowed = [own[key]] if key in own else []
        allowed += more.get(key, [])
        if told[key] not in allowed:
            raise UsageError(
                f"The event's {key} {shown(told[key])} is not one that this function may use"
                f" ({', '.join(allowed) or 'none'}): its environment can allow more"
                f" ({_ALLOWED})."
            )


def _allowed() -> dict[str, list[str]]:
    """Return what the environment allows an event to name, beside the environment's own.

    Raises RolecallError if that is not an object of lists.
    """
    text = os.environ.get(_ALLOWED)
    if not text:
        return {}
    try:
        told = json.loads(text)
        if not isinstance(told, dict) or not all(isinstance(part, list) for part in told.values()):
            raise UsageError("It is not an object of lists.")
        if unknown := sorted(told.keys() - set(_PLACES)):
            raise UsageError(f"{shown(unknown[0])} is none of {', '.join(_PLACES)}.")
        return {key: [_MEMBERS[key](key, each) for each in told[key]] for key in told}
    except (ValueError, RecursionError, UsageError) as error:
        raise RolecallError(
            f"{_ALLOWED} in the function's environment is wrong: it is like"
            f' {{"table": ["audit.cloudtrail_logs"]}}. {error}'
        ) from None


def _query_name(asked: Mapping[str, Any]) -> str:
    command = asked.get("command")
    if command == "history":
        return HISTORY
    if command != "query":
        raise UsageError(f"The event's command is {shown(command)}, not history or query.")
    if "name" not in asked:
        raise UsageError(f'The event names no query: "name" is one of {", ".join(_packed())}.')
    return str(asked["name"])


def _given(
    asked: Mapping[str, Any], event: Mapping[str, Any], query: PackedQuery
) -> dict[str, str]:
    """Return the texts of the query's parameters.

    A filter of the environment that the query does not have is passed over; one of the event is
    an error, since the answer would be to another question.
    """
    of_event = {
        key
        for key, sources in _SOURCES.items()
        if any(event.get(source) is not None for source in sources)
    }
    filters = {key: asked[key] for key in _FILTERS if key in asked} | _days(asked)
    filters |= _switched_on(asked)
    given = {key: filters[key] for key in filters if key in query.parameters or key in of_event}
    params = asked.get("params", {})
    if twice := sorted(given.keys() & of_event & params.keys()):
        raise UsageError(f"{twice[0]} is given twice: in the event and in its params.")
    given |= params
    check_window(given.get("from_day"), given.get("to_day"))
    return given


def _switched_on(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that the event switches on, as the flags of the command line do."""
    given: dict[str, str] = {}
    if asked.get("switches", False):
        if "how" in asked:
            raise UsageError(f"Both how and switches are given: switches is {CONSOLE_SWITCH!r}.")
        given["how"] = CONSOLE_SWITCH
    if "workloads" in asked:
        given["workloads"] = "true" if asked["workloads"] else "false"
    if asked.get("active", False):
        given["active_at"] = asked["at"] if "at" in asked else now()
    elif "at" in asked:
        raise UsageError('at goes with "active": true.')
    return given


def _days(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return the first and the last day; ``days`` counts back from the last one, or from today."""
    days = {_DAYS[key]: day(asked[key]) for key in _DAYS if key in asked}
    if "days" in asked:
        if "from_day" in days:
            raise UsageError("Both from and days are given: leave one out.")
        count = asked["days"]
        if not 1 <= count <= _MOST_DAYS:
            raise UsageError(f"days is {shown(count)}, not a number from 1 to {_MOST_DAYS:,}.")
        last = days.setdefault("to_day", datetime.now(UTC).date())
        if last.toordinal() < count:
            raise UsageError(f"There are no {count:,} days before {last}.")
        days["from_day"] = last - timedelta(days=count - 1)
    return {key: value.isoformat() for key, value in days.items()}


def _with_names(sql: str, asked: Mapping[str, Any]) -> str:
    """Return a packed query with the names of the event in the place of its placeholders."""
    source_database, source_table = valid_table(asked["table"])
    names = {
        "database": valid_name("database", asked["database"]),
        "source_database": source_database,
        "source_table": source_table,
    }
    for key, name in names.items():
        sql = sql.replace(f'"{PLACEHOLDERS[key]}"', f'"{name}"')
    return sql


def _told(answer: Answer, context: Context, most_rows: int | None) -> dict[str, Any]:
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


# --- what a member of an event may be ---------------------------------------------------------


def _text(key: str, value: Any) -> str:
    # A number may be an account id that has lost its leading zeros.
    if not isinstance(value, str):
        raise UsageError(f'{key} is {shown(value)}, not a text: write "{key}": "...".')
    if len(value) > LONGEST_LITERAL:
        raise UsageError(
            f"{key} has {len(value):,} characters, and Athena takes {LONGEST_LITERAL:,}."
        )
    return value


def _texts(key: str, value: Any) -> str:
    """Return a text, or a list of texts, as a parameter with several parts has it."""
    if not isinstance(value, list):
        return _text(key, value)
    if len(value) > _MOST_PARTS:
        raise UsageError(f"{key} has {len(value):,} parts, more than {_MOST_PARTS}.")
    return ",".join(_text(key, part) for part in value)


def _params(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise UsageError('The event\'s params is not an object such as {"from_day": "2026-04-01"}.')
    if len(value) > _MOST_PARTS:
        raise UsageError(f"{key} has {len(value):,} members, more than {_MOST_PARTS}.")
    if longest := next((name for name in value if len(name) > LONGEST_LITERAL), None):
        raise UsageError(f"There is no parameter {shown(longest)} in this query.")
    return {
        name: str(each).lower() if isinstance(each, bool) else _text(name, each)
        for name, each in value.items()
    }


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{key} is {shown(value)}, neither true nor false.")
    return value


def _whole_number(key: str, value: Any) -> int:
    # The environment has texts; true is not a number, though Python takes it for 1.
    is_text = isinstance(value, str) and _INTEGER.fullmatch(value) is not None
    if not is_text and (isinstance(value, bool) or not isinstance(value, int)):
        raise UsageError(f"{key} is {shown(value)}, not a whole number.")
    number = int(value)
    if number < 0:
        raise UsageError(f"{key} is {shown(value)}, which is below 0.")
    return number


def _price(key: str, value: Any) -> float:
    try:
        return dollars(value)
    except UsageError as error:
        raise UsageError(f"{key} is wrong: {error}") from None


# What an event may have, and how each becomes what it stands for.
_MEMBERS: Mapping[str, Callable[[str, Any], Any]] = {
    "command": _text,
    "name": _text,
    "database": lambda key, value: valid_name("database", _text(key, value)),
    "table": lambda key, value: ".".join(valid_table(_text(key, value))),
    "workgroup": lambda key, value: valid_name("workgroup", _text(key, value)),
    "results": lambda key, value: valid_folder(_text(key, value)),
    "days": _whole_number,
    "from": _text,
    "to": _text,
    "account": _text,
    "source_account": _text,
    "user": _text,
    "role": _text,
    "how": _texts,
    "outcome": _text,
    "mfa": _text,
    "max_rows": _whole_number,
    "price_per_tb": _price,
    "params": _params,
    "switches": _flag,
    "workloads": _flag,
    "active": _flag,
    "at": _text,
    "stale": _flag,
}


def _log(context: Context, event: str, **more: Any) -> None:
    """Write one line of JSON, which CloudWatch Logs can search by field."""
    line = {"event": event, "request_id": context.aws_request_id}
    line |= {key: value for key, value in more.items() if value is not None}
    print(json.dumps(line), flush=True)
