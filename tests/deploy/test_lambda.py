"""The Lambda function as Lambda runs it: packed, through AWS's runtime client, on Athena's API."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_athena.engine import Addresses
from local_athena.scripted import Script, Service, serving, table, until_stopped
from local_athena.statements import Statement
from local_athena.warehouse import Outcome, QueryFailedError, Request, ScanLimitError
from rolecall.aws.alarm import alarm
from rolecall.aws.athena_client import Athena
from rolecall.errors import RolecallError
from rolecall.lambda_handler import MARGIN_SECONDS, packed_query, rows_that_fit
from rolecall.names import Workspace
from rolecall.parameters import like_pattern, literal
from support.command_line import packed
from support.documents import documented

BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
RUNTIME = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
SECRET = "s3cr3t-0f-n0b0dy"

_WAIT_SECONDS = 60
_START = "StartQueryExecution"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Lambda's runtime client is made for Linux"
)


# --- what Lambda is ---------------------------------------------------------------------------


@dataclass
class Invocation:
    """One event on its way; ``told`` is what came back, ``error_type`` is set if it failed."""

    id: str
    event: Any
    deadline_ms: int
    told: bytes = b""
    error_type: str | None = None

    @property
    def answer(self) -> Any:
        return json.loads(self.told)


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's runtime API on a free port of this machine ("Lambda runtime API")."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeHandler)
        self.waiting: queue.Queue[Invocation | None] = queue.Queue()
        self.running: dict[str, Invocation] = {}
        self.done: queue.Queue[Invocation] = queue.Queue()


class _RuntimeHandler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        invocation = self.server.waiting.get()
        if invocation is None:
            self.close_connection = True
            return
        self.server.running[invocation.id] = invocation
        body = json.dumps(invocation.event).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Aws-Request-Id", invocation.id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:f")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self._body()
        invocation_id, outcome = self.path.split("/")[-2:]
        invocation = self.server.running.pop(invocation_id)
        invocation.told = body
        if outcome == "error":
            invocation.error_type = json.loads(body)["errorType"]
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.done.put(invocation)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


class Function:
    """A function that waits for events."""

    def __init__(self, api: RuntimeApi, output: Path) -> None:
        self._api = api
        self._output = output

    def invoke(self, event: Any, seconds: float = 900) -> Invocation:
        """Return what became of an event, when the function has ``seconds`` for it."""
        deadline_ms = int(1000 * (time.time() + seconds))
        invocation = Invocation(str(uuid.uuid4()), event, deadline_ms)
        self._api.waiting.put(invocation)
        done = self._api.done.get(timeout=_WAIT_SECONDS)
        assert done is invocation
        return done

    def log(self, invocation: Invocation) -> list[dict[str, Any]]:
        """Return what the function logged for an invocation."""
        lines = [line for line in self._output.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["request_id"] == invocation.id]

    @property
    def output(self) -> str:
        return self._output.read_text()


def python(package: Path, libraries: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """Return how to start a Python that has the package and these libraries, and no others."""
    return {
        "args": [sys.executable, "-S", *arguments],
        "env": {"PYTHONPATH": f"{package}{os.pathsep}{libraries}", "PATH": "", **environment},
    }


def linked(folder: Path, *modules: str) -> Path:
    """Return a folder that has these installed modules alone."""
    folder.mkdir()
    for module in modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin is not None
        origin = Path(spec.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)
    return folder


def aws(service: Service) -> dict[str, str]:
    url = service.server.url
    return Addresses(url, url, "").environment() | {"AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the packed function."""
    return packed(tmp_path_factory.mktemp("package") / "function.zip")


def test_packed_questions_to_the_raw_logs_read_the_partitions_that_were_told(
    tmp_path: Path,
) -> None:
    zip_ = packed(tmp_path / "function.zip", "--partitions", '{"dt": "yyyy/MM/dd"}')
    with zipfile.ZipFile(zip_) as function:
        queries = json.loads(function.read("rolecall/lambda_queries.json"))
    for name in ("switch_role_query", "preview_raw"):
        assert "\"dt\" >= date_format(:from_day, '%Y/%m/%d')" in queries[name]["sql"]


# What goes with an answer, by a column that its question alone has: where nothing is said.
_GAPS = ["account_id", "aws_region", "first_delivered_date", "last_delivered_date", "day_count"]
_GAPS += ["missing_day_count"]
_GAP_TYPES = ["varchar", "varchar", "date", "date", "bigint", "bigint"]
_COVERED = ["111122223333", None, "2026-03-01", "2026-04-30", "61", "0"]
_BESIDE = {
    "missing_day_count": table(_GAPS, [_COVERED], _GAP_TYPES),
    "name_count": table(["kind", "known_name", "entry_count", "name_count"], []),
    "entry_count": table(["how", "actor_type", "outcome", "entry_count"], []),
}


def beside_notes(script: Script, **notes: Outcome) -> Script:
    """Return a script for the question alone: those that go with it say nothing, or ``notes``."""

    def answered(statement: Statement, request: Request) -> Outcome:
        for column, outcome in (_BESIDE | notes).items():
            if column in statement.text:
                return outcome
        return script(statement, request)

    return answered


def first_started(service: Service) -> dict[str, Any]:
    """Return the request that started the first query, the one for the answer."""
    started = [request for name, request in service.athena.requests if name == _START]
    return dict(started[0])


@pytest.fixture(scope="module")
def running_service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
def service(running_service: Service) -> Service:
    """Return Athena's API without a past."""
    running_service.athena.executions.clear()
    running_service.athena.requests.clear()
    running_service.engine.script = beside_notes(
        lambda statement, request: table(["n"], [["1"]], ["integer"])
    )
    running_service.engine.started.clear()
    return running_service


Start = Callable[..., AbstractContextManager[Function]]


@pytest.fixture(scope="module")
def start(
    package: Path, running_service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Start:
    """Return a way to start the function with an environment."""
    libraries = linked(tmp_path_factory.mktemp("runtime") / "lib", *BOTO3, *RUNTIME)

    @contextmanager
    def started(**environment: str) -> Iterator[Function]:
        api = RuntimeApi()
        threading.Thread(target=api.serve_forever, args=(0.02,), daemon=True).start()
        output = tmp_path_factory.mktemp("function") / "output.txt"
        command = python(
            package,
            libraries,
            "-m",
            "awslambdaric",
            "rolecall.lambda_handler.handler",
            AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{api.server_port}",
            AWS_LAMBDA_FUNCTION_NAME="rolecall",
            LAMBDA_TASK_ROOT=str(output.parent),
            **aws(running_service),
            **environment,
        )
        with output.open("wb") as stream:
            process = subprocess.Popen(
                **command, cwd=output.parent, stdout=stream, stderr=subprocess.STDOUT
            )
        try:
            yield Function(api, output)
        finally:
            process.kill()
            process.wait()
            api.waiting.put(None)
            api.shutdown()
            api.server_close()

    return started


@pytest.fixture(scope="module")
def function(start: Start) -> Iterator[Function]:
    """Return the function with a workgroup in its environment."""
    with start(ROLECALL_WORKGROUP="rolecall") as started:
        yield started


# --- answers ----------------------------------------------------------------------------------


def test_history_answers_with_rows_their_place_bytes_and_price(
    service: Service, function: Function
) -> None:
    service.engine.script = beside_notes(
        lambda statement, request: table(
            ["entered_at", "role_name", "n"],
            [["2026-04-30 21:47:19.001", "Ops, \N{PILE OF POO}", "7"], [None, "", None]],
            ["timestamp(3)", "varchar", "bigint"],
            scanned_bytes=20_000_000,
        )
    )
    done = function.invoke(
        {"command": "history", "from": "2026-04-01", "to": "2026-04-30", "user": "O'B*"}
    )
    assert done.error_type is None, done.told
    answer = done.answer
    assert answer["rows"] == [
        {"entered_at": "2026-04-30T21:47:19.001Z", "role_name": "Ops, \N{PILE OF POO}", "n": 7},
        {"entered_at": None, "role_name": "", "n": None},
    ]
    assert answer["columns"][0] == {"name": "entered_at", "type": "timestamp"}
    assert (answer["row_count"], answer["left_out"]) == (2, 0)
    assert answer["output_location"] == f"s3://results/athena/{answer['query_id']}.csv"
    assert answer["scanned_bytes"] == 20_000_000
    # With the two questions beside it, each for ten megabytes at least.
    assert answer["price_usd"] == pytest.approx(0.0002)
    assert answer["notes"] == []
    started = first_started(service)
    assert 'from "awsdatacatalog"."rolecall"."role_entries"' in started["QueryString"]
    literals = started["ExecutionParameters"]
    assert literals[:2] == ["timestamp '2026-04-01 00:00:00'"] * 2
    assert "timestamp '2026-05-01 00:00:00'" in literals
    assert "'o''b%'" in literals
    # account, source_account, role, how, outcome, mfa, workloads, active_at
    assert literals.count("null") == 2 + 2 + 3 + 2 + 2 + 2 + 1 + 3


def test_the_documented_event_is_answered(service: Service, function: Function) -> None:
    event = documented("docs/athena.md", '{"command"')
    done = function.invoke(json.loads(event))
    assert done.error_type is None, done.told
    started = first_started(service)
    assert "'444455556666'" in started["ExecutionParameters"]


def test_a_query_reads_the_tables_that_the_event_names_among_those_allowed(
    service: Service, start: Start
) -> None:
    allowed = {
        "table": ["audit.other", "audit.cloudtrail_logs_my_bucket"],
        "results": ["s3://mine/rolecall"],
    }
    event = {
        "command": "query",
        "name": "switch_role_query",
        "table": "audit.cloudtrail_logs_my_bucket",
        "account": "012345678901",
        "params": {"from_day": "2026-04-01", "to_day": "2026-04-30"},
        "results": "s3://mine/rolecall/",
    }
    with start(ROLECALL_WORKGROUP="rolecall", ROLECALL_ALLOWED=json.dumps(allowed)) as function:
        done = function.invoke(event)
    assert done.error_type is None, done.told
    started = first_started(service)
    assert '"awsdatacatalog"."audit"."cloudtrail_logs_my_bucket"' in started["QueryString"]
    assert "rolecall_lambda" not in started["QueryString"]
    assert "'012345678901'" in started["ExecutionParameters"]
    assert done.answer["output_location"].startswith("s3://mine/rolecall/results/")


def test_what_the_event_leaves_out_comes_from_the_environment(
    service: Service, start: Start
) -> None:
    environment = {
        "ROLECALL_COMMAND": "history",
        "ROLECALL_SCHEMA": "switches",
        "ROLECALL_WORKGROUP": "enforced",
        "ROLECALL_DAYS": "2",
        "ROLECALL_ACCOUNT": "1111-2222-3333",
        "ROLECALL_SOURCE_ACCOUNT": "444455556666",
        "ROLECALL_USER": "alice",
        "ROLECALL_ROLE": "Admin",
        "ROLECALL_PRICE_PER_TB": "10",
    }
    with start(**environment) as function:
        answer = function.invoke({"to": "2026-03-01", "user": "Bob", "days": 2}).answer
        assert answer["price_usd"] == pytest.approx(3 * 0.0001)
        (_, started) = service.athena.requests[0]
        assert '"awsdatacatalog"."switches"."role_entries"' in started["QueryString"]
        assert started["WorkGroup"] == "enforced"
        literals = started["ExecutionParameters"]
        assert literals[0] == "timestamp '2026-02-28 00:00:00'"
        assert "timestamp '2026-03-02 00:00:00'" in literals
        assert {"'111122223333'", "'444455556666'", "'bob'", "'admin'"} <= set(literals)
        assert "'alice'" not in literals
        # Days of the event push out the environment's; a filter that a query lacks is passed over.
        service.athena.requests.clear()
        event = {"command": "query", "name": "preview_raw", "from": "2026-01-01"}
        assert function.invoke(event).error_type is None
        started = first_started(service)
        assert (
            started["ExecutionParameters"] == ["timestamp '2026-01-01 00:00:00'"] * 2 + ["null"] * 2
        )


def test_an_answer_says_which_days_have_no_logs_and_who_is_left_out(
    service: Service, function: Function
) -> None:
    lacking = ["111122223333", None, "2026-04-03", "2026-04-30", "30", "2"]
    service.engine.script = beside_notes(
        lambda statement, request: table(["n"], [["1"]], ["integer"]),
        missing_day_count=table(_GAPS, [lacking], _GAP_TYPES),
        entry_count=table(
            ["how", "actor_type", "outcome", "entry_count"],
            [["web identity", "workload", "success", "7"], ["saml", "unknown", "success", "2"]],
            ["varchar", "varchar", "varchar", "bigint"],
        ),
    )
    window = {"from": "2026-04-01", "to": "2026-04-30"}
    lacks = "Not wholly covered: no logs before 2026-04-03; no logs on 2 of 30 days"
    aside = '7 entries of workloads are left out: "workloads": true shows them.'
    answer = function.invoke({"command": "history", **window}).answer
    assert answer["notes"] == [f"{lacks} (`rolecall query coverage_gaps`).", aside]
    shown = function.invoke({"command": "history", **window, "workloads": True}).answer
    assert aside not in shown["notes"] and len(shown["notes"]) == 1
    asked = {"command": "query", "name": "access_review", **window}
    assert function.invoke(asked).answer["notes"][0].startswith(lacks)


def test_where_nobody_has_a_name_it_is_said_who_is_there(
    service: Service, function: Function
) -> None:
    names = [["user", "alice", "4", "2"], ["user", "b\x1bob", "1", "2"]]
    service.engine.script = beside_notes(
        lambda statement, request: table(["n"], [], ["integer"]),
        name_count=table(
            ["kind", "known_name", "entry_count", "name_count"],
            names,
            ["varchar", "varchar", "bigint", "bigint"],
        ),
    )
    answer = function.invoke({"command": "history", "user": "bbo"}).answer
    assert answer["notes"] == [
        "Nobody is named bbo: there are alice, b\N{REPLACEMENT CHARACTER}ob."
    ]


def test_who_is_in_a_role_is_not_said_from_logs_that_end_long_before(
    service: Service, function: Function
) -> None:
    service.engine.script = beside_notes(
        lambda statement, request: table(["n"], [["1"]], ["integer"]),
        newest_event_at=table(
            ["account_id", "newest_event_at"],
            [["111122223333", "2026-04-29 12:00:00"]],
            ["varchar", "timestamp(3)"],
        ),
    )
    asked = {"command": "history", "active": True, "at": "2026-04-30T12:00:00Z"}
    answer = function.invoke(asked).answer
    assert answer["notes"][0] == "The newest log is of 2026-04-29 12:00:00 UTC."
    asked["at"] = "2026-04-30T12:00:01Z"
    refused = function.invoke(asked)
    assert refused.error_type == "StaleLogsError"
    message = refused.answer["errorMessage"]
    assert "more than a day before 2026-04-30 12:00:01 UTC" in message
    assert 'with "stale": true the answer' in message
    answer = function.invoke(asked | {"stale": True}).answer
    assert (answer["row_count"], answer["notes"][0][:17]) == (1, "The newest log is")


def test_an_answer_without_its_notes_says_that_they_are_missing(
    service: Service, function: Function
) -> None:
    def only_the_answer(statement: Statement, request: Request) -> Outcome:
        if "missing_day_count" in statement.text:
            raise QueryFailedError("TABLE_NOT_FOUND: line 1:15: no such table", category=2)
        return table(["n"], [["1"]], ["integer"])

    service.engine.script = only_the_answer
    answer = function.invoke({"command": "query", "name": "preview_raw"}).answer
    assert answer["row_count"] == 1
    (note,) = answer["notes"]
    assert note.startswith("Which of the days asked for have logs could not be looked up")


def test_an_answer_stays_below_lambdas_limit_and_counts_what_it_leaves_out(
    service: Service, function: Function
) -> None:
    text = "\N{PILE OF POO}" * 100
    service.engine.script = beside_notes(lambda statement, request: table(["t"], [[text]] * 9_000))
    done = function.invoke({"command": "history"})
    answer = done.answer
    assert len(done.told) < 6_000_000
    assert answer["row_count"] == len(answer["rows"]) > 4_000
    assert answer["row_count"] + answer["left_out"] == 9_000


def test_an_event_may_ask_for_a_few_rows(service: Service, function: Function) -> None:
    service.engine.script = beside_notes(lambda statement, request: table(["t"], [["x"]] * 2_500))
    answer = function.invoke({"command": "history", "max_rows": 10}).answer
    assert (answer["row_count"], answer["left_out"]) == (10, 2_490)


def test_rows_are_not_counted_when_there_is_no_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hurried:
        aws_request_id = "r"

        def get_remaining_time_in_millis(self) -> int:
            return 1_000

    for name, value in aws(service).items():
        monkeypatch.setenv(name, value)
    service.engine.script = lambda statement, request: table(["t"], [["x"]] * 2_500)
    answer = Athena(Workspace("a", "rolecall")).run("select 1")
    rows, left_out = rows_that_fit(answer, Hurried(), None)
    assert (len(rows), left_out) == (999, None)


def test_a_page_that_hangs_is_left_out(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unhurried:
        aws_request_id = "r"

        def get_remaining_time_in_millis(self) -> int:
            return 900_000

    for name, value in aws(service).items():
        monkeypatch.setenv(name, value)
    service.engine.script = lambda statement, request: table(["t"], [["x"]] * 2_500)
    answer = Athena(Workspace("a", "rolecall")).run("select 1")
    with service.athena.hanging("GetQueryResults", 99), alarm(0.2):
        rows, left_out = rows_that_fit(answer, Unhurried(), None)
    assert (len(rows), left_out) == (999, None)


# --- faults -----------------------------------------------------------------------------------


def failing(error: Exception) -> Callable[[Statement, Request], Outcome]:
    def script(statement: Statement, request: Request) -> Outcome:
        raise error

    return script


def test_a_query_that_fails_raises_with_the_reason_of_aws(
    service: Service, function: Function
) -> None:
    reason = "TABLE_NOT_FOUND: line 1:15: Table 'a.b.c' does not exist"
    service.engine.script = failing(QueryFailedError(reason, category=2))
    done = function.invoke({"command": "history"})
    (query_id,) = service.athena.executions
    assert done.error_type == "QueryFailedError"
    message = f"The query failed: {reason} (query {query_id}, user error)."
    assert done.answer["errorMessage"] == message
    *_, line = function.log(done)
    assert line == {
        "event": "failed",
        "request_id": done.id,
        "error_type": "QueryFailedError",
        "error": message,
        "query_id": query_id,
        "reason": reason,
        "category": "user",
        "is_retryable": False,
    }


def test_the_type_of_an_error_tells_what_to_try_again(service: Service, function: Function) -> None:
    service.engine.script = failing(QueryFailedError("X: y", category=1, retryable=True))
    assert function.invoke({"command": "history"}).error_type == "QueryRetryableError"
    service.engine.script = failing(ScanLimitError())
    assert function.invoke({"command": "history"}).error_type == "QueryScanLimitError"


def test_a_query_is_stopped_before_the_function_is(service: Service, function: Function) -> None:
    service.engine.script = until_stopped
    done = function.invoke({"command": "history"}, seconds=MARGIN_SECONDS + 1)
    assert time.time() < done.deadline_ms / 1000
    assert done.error_type == "QueryDeadlineError"
    assert "and was stopped" in done.answer["errorMessage"]
    assert service.states == ["CANCELLED"]


@pytest.mark.parametrize(
    ("hanging", "stopped"),
    [
        ({"GetQueryExecution": 99}, "which has been stopped"),
        ({"StartQueryExecution": 1}, "which has been stopped"),
        # Each at its worst that still ends well: the second attempt of either call is answered.
        ({"StartQueryExecution": 2, "StopQueryExecution": 1}, "which has been stopped"),
        ({"GetQueryExecution": 99, "StopQueryExecution": 99}, "which may go on running"),
        ({"StartQueryExecution": 99}, "the start of the query, which may go on running"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_query_is_stopped_before_the_function_is_though_aws_hangs(
    service: Service, function: Function, hanging: dict[str, int], stopped: str
) -> None:
    service.engine.script = until_stopped
    with ExitStack() as stack:
        for operation, times in hanging.items():
            stack.enter_context(service.athena.hanging(operation, times))
        done = function.invoke({"command": "history"}, seconds=MARGIN_SECONDS + 0.3)
        assert time.time() < done.deadline_ms / 1000
    assert done.error_type == "QueryDeadlineError"
    assert stopped in done.answer["errorMessage"]
    assert len(service.states) == 1
    if "has been stopped" in stopped:
        assert service.states == ["CANCELLED"]
    (execution,) = service.athena.executions.values()
    execution.is_stopped = True


def test_a_result_that_aws_does_not_hand_out_is_an_error(
    service: Service, function: Function
) -> None:
    service.engine.script = lambda statement, request: table(["t"], [["x"]] * 2_500)
    with service.athena.hanging("GetQueryResults", 99):
        done = function.invoke({"command": "history"}, seconds=MARGIN_SECONDS + 1)
        assert time.time() < done.deadline_ms / 1000
    assert done.error_type == "DeadlineError"
    assert "AWS did not hand out its result in time" in done.answer["errorMessage"]


def test_nothing_is_started_one_second_before_the_function_ends(
    service: Service, function: Function
) -> None:
    done = function.invoke({"command": "history"}, seconds=1)
    assert done.error_type == "DeadlineError"
    assert "give it a longer timeout" in done.answer["errorMessage"]
    assert service.operations == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([], "The event is not an object"),
        ({}, "The event's command is None, not history or query"),
        ({"command": "refresh"}, "not history or query"),
        ({"command": "query"}, "The event names no query"),
        ({"command": "query", "name": "nope"}, "There is no query 'nope' in this function: it has"),
        ({"command": "history", "acount": "1"}, "The event has 'acount', which means nothing here"),
        ({"command": "history", "account": 12345678901}, "account is 12345678901, not a text"),
        ({"command": "history", "from": "yesterday"}, "'yesterday' is not a day"),
        ({"command": "history", "from": "2026-04-02", "to": "2026-04-01"}, "is after the last"),
        ({"command": "history", "from": "2026-04-02", "days": 3}, "Both from and days are given"),
        ({"command": "history", "days": 0}, "days is 0, not a number from 1"),
        ({"command": "history", "days": "x"}, "days is 'x', not a whole number"),
        ({"command": "history", "max_rows": -1}, "max_rows is -1, which is below 0"),
        ({"command": "history", "params": ["x"]}, "params is not an object"),
        ({"command": "history", "params": {"x": "y"}}, "There is no parameter 'x' in this query"),
        ({"command": "query", "name": "preview_raw", "user": "x"}, "no parameter 'user'"),
        ({"command": "query", "name": "switch_role_query", "days": 3}, "needs a value for account"),
        ({"command": "history", "account": "4444"}, "'4444' is not an account id: it has 12"),
        ({"command": "history", "mfa": "maybe"}, "'maybe' is not a value of mfa: it is one of yes"),
        (
            {"command": "history", "how": ["saml", "ssh"]},
            "'ssh' is not a value of how: it is one of",
        ),
        ({"command": "history", "how": "saml", "switches": True}, "Both how and switches"),
        ({"command": "history", "at": "2026-04-30T12:00:00Z"}, 'at goes with "active": true'),
        ({"command": "history", "active": "yes"}, "active is 'yes', neither true nor false"),
        ({"command": "query", "name": "preview_raw", "active": True}, "no parameter 'active_at'"),
        ({"command": "history", "database": 'a"; drop'}, "cannot be a database"),
        ({"command": "history", "table": 'a.b" --'}, "cannot be a table"),
        ({"command": "history", "table": "b"}, "not of the form DATABASE.TABLE"),
        ({"command": "history", "workgroup": "a b"}, "cannot be a workgroup"),
        ({"command": "history", "results": "here"}, "cannot be a place in S3"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(
    service: Service, function: Function, event: Any, message: str
) -> None:
    done = function.invoke(event)
    assert done.error_type == "UsageError"
    assert message in done.answer["errorMessage"]
    assert service.operations == []


_OWN = {
    "ROLECALL_SCHEMA": "rolecall",
    "ROLECALL_TABLE": "rolecall.cloudtrail_logs",
    "ROLECALL_WORKGROUP": "rolecall",
    "ROLECALL_RESULTS": "s3://own/rolecall/",
}


@pytest.fixture(scope="module")
def deployed(start: Start) -> Iterator[Function]:
    """Return the function with an environment as the template gives it one."""
    with start(**_OWN) as started:
        yield started


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("database", "payroll", "rolecall"),
        ("table", "payroll.salaries", "rolecall.cloudtrail_logs"),
        ("table", "rolecall.salaries", "rolecall.cloudtrail_logs"),
        ("workgroup", "primary", "rolecall"),
        ("workgroup", "Rolecall", "rolecall"),
        ("results", "s3://elsewhere/x/", "s3://own/rolecall/"),
        ("results", "s3://own/rolecall/tables/", "s3://own/rolecall/"),
        ("results", "s3://own/", "s3://own/rolecall/"),
    ],
)
def test_an_event_goes_nowhere_but_where_the_environment_lets_it(
    service: Service, deployed: Function, key: str, value: str, allowed: str
) -> None:
    done = deployed.invoke({"command": "query", "name": "preview_raw", key: value})
    assert done.error_type == "UsageError"
    message = done.answer["errorMessage"]
    assert (
        f"The event's {key} '{value}' is not one that this function may use ({allowed})" in message
    )
    assert service.operations == []


def test_an_event_may_name_what_the_environment_has(service: Service, deployed: Function) -> None:
    named = {
        "database": "rolecall",
        "table": "rolecall.cloudtrail_logs",
        "workgroup": "rolecall",
        "results": "s3://own/rolecall",
    }
    done = deployed.invoke({"command": "query", "name": "preview_raw", **named})
    assert done.error_type is None, done.told
    assert done.answer["output_location"].startswith("s3://own/rolecall/results/")


def test_without_a_place_in_the_environment_an_event_may_name_none(
    service: Service, function: Function
) -> None:
    done = function.invoke({"command": "history", "results": "s3://elsewhere/x/"})
    assert "is not one that this function may use (none)" in done.answer["errorMessage"]
    assert service.operations == []


@pytest.mark.parametrize(
    "allowed", ["x", "[]", '{"table": "a.b"}', '{"region": ["x"]}', '{"table": ["a"]}', "[" * 9000]
)
def test_a_wrong_environment_allows_nothing(service: Service, start: Start, allowed: str) -> None:
    with start(**_OWN, ROLECALL_ALLOWED=allowed) as function:
        done = function.invoke({"command": "history"})
    assert done.error_type == "RolecallError"
    message = done.answer["errorMessage"]
    assert "ROLECALL_ALLOWED in the function's environment is wrong: it is like" in message
    assert service.operations == []


_LONG = "x" * 1_000_000
_QUERY = {"command": "query", "name": "preview_raw"}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "The event is not an object"),
        ("history", "The event is not an object"),
        ({"command": ["history"]}, "command is ['history'], not a text"),
        ({"command": {"$ne": None}}, "command is {'$ne': None}, not a text"),
        ({"command": "history", _LONG: 1}, "which means nothing here"),
        ({"command": "history", "sql": "select 1"}, "The event has 'sql', which means nothing"),
        ({"command": "query", "name": "../../etc/passwd"}, "There is no query"),
        ({"command": "query", "name": "select 1"}, "There is no query 'select 1'"),
        ({"command": "query", "name": _LONG}, "name has 1,000,000 characters, and Athena takes"),
        ({"command": "history", "user": _LONG}, "user has 1,000,000 characters"),
        ({"command": "history", "user": [_LONG]}, "user is ['xxx"),
        ({"command": "history", "user": True}, "user is True, not a text"),
        ({"command": "history", "user": ""}, "An empty text matches nobody and nothing"),
        ({"command": "history", "role": " "}, "An empty text matches nobody and nothing"),
        ({"command": "history", "user": "a\ud800b"}, "The value of user is not text: 'a\\ud800b'"),
        (
            {"command": "history", "outcome": "EVIL"},
            "'EVIL' is not a value of outcome: it is one of",
        ),
        ({"command": "history", "outcome": "success "}, "'success ' is not a value of outcome"),
        ({"command": "history", "outcome": ["success"]}, "outcome is ['success'], not a text"),
        ({"command": "history", "mfa": "YES"}, "'YES' is not a value of mfa: it is one of yes"),
        ({"command": "history", "mfa": True}, "mfa is True, not a text"),
        ({"command": "history", "how": []}, "'' is not a value of how: it is one of"),
        ({"command": "history", "how": [["saml"]]}, "how is ['saml'], not a text"),
        ({"command": "history", "how": ["saml"] * 101}, "how has 101 parts, more than 100"),
        ({"command": "history", "price_per_tb": "nan"}, "price_per_tb is wrong: 'nan' is not a"),
        (
            {"command": "history", "price_per_tb": "inf"},
            "'inf' is not a number from 0 to 1,000,000",
        ),
        ({"command": "history", "price_per_tb": -1}, "-1 is not a number from 0 to 1,000,000"),
        ({"command": "history", "price_per_tb": 1e300}, "1e+300 is not a number from 0"),
        ({"command": "history", "price_per_tb": True}, "True is not a number from 0"),
        ({"command": "history", "price_per_tb": "much"}, "'much' is not a number from 0"),
        ({"command": "history", "price_per_tb": [5]}, "[5] is not a number from 0"),
        ({"command": "history", "days": True}, "days is True, not a whole number"),
        ({"command": "history", "days": 1.5}, "days is 1.5, not a whole number"),
        ({"command": "history", "days": "\N{ARABIC-INDIC DIGIT THREE}"}, "not a whole number"),
        ({"command": "history", "days": 10**30}, "not a number from 1 to 36,500"),
        ({"command": "history", "days": "9" * 5_000}, "days is '9999"),
        ({"command": "history", "to": "0001-01-03", "days": 9}, "There are no 9 days before 0001"),
        ({"command": "history", "to": "9999-12-31"}, "is too late a day"),
        ({"command": "history", "max_rows": "1e5"}, "max_rows is '1e5', not a whole number"),
        ({"command": "history", "max_rows": False}, "max_rows is False, not a whole number"),
        ({"command": "history", "from": 20260401}, "from is 20260401, not a text"),
        ({"command": "history", "from": "2026-01-01'; drop"}, "is not a day"),
        ({"command": "history", "active": True, "at": ""}, "'' is not a moment"),
        ({"command": "history", "active": True, "at": 0}, "at is 0, not a text"),
        ({"command": "history", "active": 1}, "active is 1, neither true nor false"),
        ({"command": "history", "stale": "yes"}, "stale is 'yes', neither true nor false"),
        ({"command": "history", "params": {"user": "a"}, "user": "b"}, "user is given twice"),
        ({"command": "history", "params": {"from_day": "2026-01-01"}, "days": 3}, "given twice"),
        ({"command": "history", "params": {_LONG: "a"}}, "There is no parameter 'xxx"),
        ({"command": "history", "params": {"user": _LONG}}, "user has 1,000,000 characters"),
        ({"command": "history", "params": {"user": {"a": 1}}}, "user is {'a': 1}, not a text"),
        ({"command": "history", "params": dict.fromkeys(map(str, range(101)), "x")}, "101 members"),
        (
            {**_QUERY, "params": {"from_day": "2026-02-01", "to_day": "2026-01-01"}},
            "The first day 2026-02-01 is after the last 2026-01-01",
        ),
        ({"command": "history", "database": _LONG}, "database has 1,000,000 characters"),
        ({"command": "history", "database": 'a"."b'}, "cannot be a database"),
        ({"command": "history", "database": "rolecall\n"}, "cannot be a database"),
        ({"command": "history", "results": "s3://own/../x/"}, "may use (s3://own/rolecall/)"),
        ({"command": "history", "results": ["s3://own/rolecall/"]}, "not a text"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_hostile_event_is_refused_in_one_short_sentence(
    service: Service, deployed: Function, event: Any, message: str
) -> None:
    done = deployed.invoke(event)
    assert done.error_type == "UsageError", done.told[:2_000]
    told = done.answer["errorMessage"]
    assert message in told
    assert len(told) < 1_500 and told.isprintable()
    assert service.operations == []


def test_a_value_of_an_event_is_never_part_of_the_sql(service: Service, deployed: Function) -> None:
    for evil in ("x' or 1=1 --", "' union select 1 -- ?", "\\'; drop", "a\0b", ":role ?"):
        service.athena.requests.clear()
        done = deployed.invoke({"command": "history", "user": evil, "role": evil})
        assert done.error_type is None, done.told
        started = first_started(service)
        assert evil not in started["QueryString"]
        assert started["ExecutionParameters"].count(literal(like_pattern(evil))) >= 2


# --- the package ------------------------------------------------------------------------------


def test_log_lines_are_json_without_secrets_and_values(
    service: Service, function: Function
) -> None:
    done = function.invoke({"command": "history", "user": "somebody-known"})
    started, answered = function.log(done)
    assert started == {
        "event": "started",
        "request_id": done.id,
        "query": "role_entry_history",
        "database": "rolecall",
        "workgroup": "rolecall",
    }
    assert answered["event"] == "answered"
    assert answered["query_id"] == done.answer["query_id"]
    assert answered["row_count"] == 1
    assert SECRET not in function.output
    assert "somebody-known" not in function.output


def test_boto3_and_the_standard_library_are_enough(
    service: Service, package: Path, tmp_path: Path
) -> None:
    script = """if True:
        import json, sys
        from rolecall.lambda_handler import handler

        class Context:
            aws_request_id = "r"
            def get_remaining_time_in_millis(self):
                return 60_000

        handler({"command": "history"}, Context())
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
    """
    libraries = linked(tmp_path / "lib", *BOTO3)
    command = python(
        package, libraries, "-c", script, ROLECALL_WORKGROUP="rolecall", **aws(service)
    )
    done = subprocess.run(**command, capture_output=True, text=True, timeout=_WAIT_SECONDS)
    assert done.returncode == 0, done.stderr
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert "rolecall" in imported
    foreign = imported - sys.stdlib_module_names - {"rolecall", *BOTO3}
    assert {name for name in foreign if not name.startswith("_")} == set()


def test_the_package_is_small_and_always_the_same(package: Path, tmp_path: Path) -> None:
    assert packed(tmp_path / "again.zip").read_bytes() == package.read_bytes()
    assert package.stat().st_size < 100_000
    with zipfile.ZipFile(package) as contents:
        assert {entry.date_time[0] for entry in contents.infolist()} == {1980}
        assert {entry.external_attr >> 16 for entry in contents.infolist()} == {0o644}
        assert "rolecall/lambda_handler.py" in contents.namelist()


def test_a_function_without_queries_says_how_to_pack_them() -> None:
    with pytest.raises(RolecallError, match=r"are missing: pack it with make lambda\."):
        packed_query("role_entry_history")
