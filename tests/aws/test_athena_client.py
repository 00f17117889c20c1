"""The Athena client against Athena's API over HTTP, its engine scripted: results and faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import botocore.retries.standard
import pytest

from local_athena.scripted import Service, serving, table, until_stopped
from local_athena.server import ApiError
from local_athena.statements import Statement
from local_athena.warehouse import (
    CancelledError,
    Outcome,
    QueryFailedError,
    Request,
    ScanLimitError,
)
from rolecall.aws.answer import scan_price
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import aws_region, make_client
from rolecall.aws.failed_queries import (
    QueryCancelledError,
    QueryDeadlineError,
    QueryLostError,
    QueryRetryableError,
    QueryScanLimitError,
)
from rolecall.aws.failed_queries import QueryFailedError as FailedError
from rolecall.errors import DEADLINE, OVER_SCAN_LIMIT, RolecallError, UsageError
from rolecall.names import Workspace, valid_name
from rolecall.output.parquet import arrow_table
from rolecall.parameters import Parameter
from rolecall.project.run import _environment
from rolecall.settings import load_settings
from support.command_line import PROJECT, Rolecall

THROTTLED = ApiError("TooManyRequestsException", "Rate exceeded")
BROKEN = ApiError("InternalServerException", "Internal error", 500)
EXPIRED = ApiError("ExpiredTokenException", "The security token included in the request is expired")
USER = "User: arn:aws:sts::111122223333:assumed-role/audit/bob is"
ARN = "arn:aws:{}:us-east-1:111122223333:{}"

PLACE = Workspace("logs", "rolecall")


class Clock:
    """A clock that goes on when somebody sleeps, and notes how long."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run Athena's API, and let boto3 find it; botocore retries without a pause."""
    monkeypatch.setattr(
        botocore.retries.standard.ExponentialBackoff, "delay_amount", lambda self, context: 0
    )
    with serving() as running:
        for name, value in environment(running).items():
            monkeypatch.setenv(name, value)
        yield running


def environment(service: Service) -> dict[str, str]:
    from local_athena.engine import Addresses

    return Addresses(service.server.url, service.server.url, "").environment()


def client(clock: Clock | None = None, place: Workspace = PLACE) -> Athena:
    clock = clock or Clock()
    return Athena(place, clock=clock, sleep=clock.sleep, jitter=lambda: 0.5)


def raising(error: Exception) -> Callable[[Statement, Request], Outcome]:
    def script(statement: Statement, request: Request) -> Outcome:
        raise error

    return script


# --- results ----------------------------------------------------------------------------------


def test_an_answer_says_what_it_took_and_where_its_csv_is(service: Service) -> None:
    service.engine.script = lambda statement, request: table(
        ["n"], [["1"]], ["integer"], scanned_bytes=25_000_001
    )
    answer = client().run("select 1 as n", deadline=None)
    assert list(answer.rows()) == [(1,)]
    assert answer.output_location == f"s3://results/athena/{answer.query_id}.csv"
    assert service.stored[answer.output_location] == b'"n"\n"1"\n'
    assert answer.statistics.scanned_bytes == 25_000_001
    assert answer.statistics.price == pytest.approx(26 * 5 / 1e6)
    assert answer.statistics.total_ms >= answer.statistics.engine_ms >= 0
    started = dict(service.athena.requests)["StartQueryExecution"]
    assert started["QueryExecutionContext"] == {"Catalog": "awsdatacatalog", "Database": "logs"}
    assert started["WorkGroup"] == "rolecall"
    assert "ResultConfiguration" not in started


def test_the_place_of_results_is_asked_for_and_the_workgroup_may_enforce_its_own(
    service: Service,
) -> None:
    mine = Workspace("logs", "rolecall", "s3://mine/here/")
    answer = client(place=mine).run("select 1", deadline=None)
    assert answer.output_location.startswith("s3://mine/here/")
    enforced = Workspace("logs", "enforced", "s3://mine/here/")
    answer = client(place=enforced).run("select 1", deadline=None)
    assert answer.output_location.startswith("s3://results/athena/")


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 25_000])
def test_all_pages_are_read(service: Service, count: int) -> None:
    rows = [[str(number), f"row {number}"] for number in range(count)]
    service.engine.script = lambda statement, request: table(
        ["n", "t"], rows, ["bigint", "varchar"]
    )
    result = client().run("select n, t from t", deadline=None).result()
    assert result.columns == ["n", "t"]
    assert result.types == ["bigint", "text"]
    assert list(result.rows) == [(number, f"row {number}") for number in range(count)]


def test_a_time_that_python_has_not_is_text(service: Service) -> None:
    row = ["-0044-03-15", "290000-01-01 00:00:00.000"]
    service.engine.script = lambda statement, request: table(
        ["d", "t"], [row], ["date", "timestamp"]
    )
    result = client().run("select d, t from t", deadline=None).result()
    assert list(result.rows) == [tuple(row)]


def test_pages_are_fetched_when_they_are_asked_for(service: Service) -> None:
    service.engine.script = lambda statement, request: table(["n"], [["x"]] * 25_000)
    rows = client().run("select n from t", deadline=None).rows()
    assert [next(rows) for _ in range(1_500)] == [("x",)] * 1_500
    assert service.operations.count("GetQueryResults") == 2


def test_a_first_row_that_equals_the_header_stays(service: Service) -> None:
    service.engine.script = lambda statement, request: table(["n"], [["n"], ["m"]])
    assert list(client().run("select n from t", deadline=None).rows()) == [("n",), ("m",)]


def test_null_is_not_empty_and_texts_come_as_they_are(service: Service) -> None:
    texts = [None, "", "a,b", "\"quoted\" 'so'", "two\nlines\r\n", "\N{PILE OF POO} ünï", "null"]
    service.engine.script = lambda statement, request: table(["t"], [[text] for text in texts])
    assert [row[0] for row in client().run("select t from t", deadline=None).rows()] == texts


def test_values_have_the_types_of_python_and_arrow(service: Service) -> None:
    cells = {
        "tinyint": ("7", 7, "bigint"),
        "bigint": ("-9223372036854775808", -9223372036854775808, "bigint"),
        "double": ("1.0E10", 1e10, "double"),
        "decimal(5,2)": ("123.45", 123.45, "double"),
        "boolean": ("false", False, "boolean"),
        "date": ("2026-04-30", date(2026, 4, 30), "date"),
        "timestamp(3)": (
            "2026-04-30 21:47:19.001",
            datetime(2026, 4, 30, 21, 47, 19, 1000),
            "timestamp",
        ),
        "timestamp(9)": (
            "2026-04-30 21:47:19.123456789",
            datetime(2026, 4, 30, 21, 47, 19, 123456),
            "timestamp",
        ),
        "timestamp(3) with time zone": (
            "2026-04-30 21:47:19.000 UTC",
            datetime(2026, 4, 30, 21, 47, 19),
            "timestamp",
        ),
        "timestamp(0) with time zone": (
            "2026-04-30 21:47:19 Europe/Berlin",
            datetime(2026, 4, 30, 19, 47, 19),
            "timestamp",
        ),
        "timestamp(6) with time zone": (
            "2026-04-30 21:47:19.000000 +09:00",
            datetime(2026, 4, 30, 12, 47, 19),
            "timestamp",
        ),
        "array(varchar)": ("[a, b]", "[a, b]", "text"),
    }
    names = [f"c{number}" for number in range(len(cells))]
    texts = [text for text, _, _ in cells.values()]
    service.engine.script = lambda statement, request: table(
        names, [texts, [None] * len(cells)], list(cells)
    )
    answer = client().run("select * from t", deadline=None)
    assert answer.types == [type_ for _, _, type_ in cells.values()]
    values = tuple(value for _, value, _ in cells.values())
    assert list(answer.rows()) == [values, (None,) * len(cells)]
    arrow = arrow_table(answer.result())
    assert arrow.column("c3").to_pylist() == [123.45, None]
    assert str(arrow.schema.field("c6").type) == "timestamp[us, tz=UTC]"
    assert arrow.column("c5").to_pylist() == [date(2026, 4, 30), None]


def test_a_statement_without_columns_has_no_rows(service: Service) -> None:
    service.engine.script = lambda statement, request: Outcome(update_count=3)
    answer = client().run("insert into t select 1", deadline=None)
    assert (answer.columns, answer.types, list(answer.rows())) == ([], [], [])


def test_an_explanation_keeps_its_first_line(service: Service) -> None:
    outcome = table(["Query Plan"], [["Fragment 0"], ["  Output"]])
    outcome.is_text = True
    service.engine.script = lambda statement, request: outcome
    rows = list(client().run("explain select 1", deadline=None).rows())
    assert rows == [("Fragment 0",), ("  Output",)]


# --- parameters -------------------------------------------------------------------------------


def test_values_travel_beside_the_query(service: Service) -> None:
    sql = "select ':who', x from t where (:who is null or n = :who) and at >= :day -- :who"
    parameters = {"who": Parameter("who"), "day": Parameter("day", "day start")}
    client().run(sql, {"who": "O'Brien' or '1'='1", "day": None}, None, parameters)
    started = dict(service.athena.requests)["StartQueryExecution"]
    assert started["QueryString"] == (
        "select ':who', x from t where (? is null or n = ?) and at >= cast(? as timestamp) -- :who"
    )
    who = "'O''Brien'' or ''1''=''1'"
    assert started["ExecutionParameters"] == [who, who, "null"]


def test_what_athena_would_refuse_is_refused_at_once(service: Service) -> None:
    with pytest.raises(UsageError, match="The value of who is too long: Athena takes 1,024"):
        client().run("select :who", {"who": "x" * 1023})
    with pytest.raises(UsageError, match=r"has 262,145 bytes, and Athena takes 262,144"):
        client().run("select '" + "é" * 131_068 + "'")
    assert service.operations == []
    client().run("select '" + "é" * 131_067 + "'", deadline=None)


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN])
def test_a_start_that_is_throttled_or_breaks_is_tried_again_and_starts_once(
    service: Service, fault: ApiError
) -> None:
    service.athena.refuse("StartQueryExecution", fault, times=3)
    assert list(client().run("select 1", deadline=None).rows()) == [(1,)]
    assert service.operations.count("StartQueryExecution") == 4
    tokens = {
        request["ClientRequestToken"]
        for operation, request in service.athena.requests
        if operation == "StartQueryExecution"
    }
    assert len(tokens) == 1
    assert len(service.athena.executions) == 1


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN])
def test_a_poll_that_is_throttled_or_breaks_is_tried_again(
    service: Service, fault: ApiError
) -> None:
    service.athena.refuse("GetQueryExecution", fault, times=3)
    service.athena.refuse("GetQueryResults", fault, times=3)
    assert list(client().run("select 1", deadline=None).rows()) == [(1,)]


def test_throttling_without_end_is_told(service: Service) -> None:
    service.athena.refuse("StartQueryExecution", THROTTLED, times=100)
    with pytest.raises(RolecallError, match=r"too many requests to start the query .*later\."):
        client().run("select 1")
    assert service.operations.count("StartQueryExecution") == 8


def test_a_query_that_nobody_can_follow_is_stopped(service: Service) -> None:
    service.engine.script = until_stopped
    service.athena.refuse("GetQueryExecution", BROKEN, times=100)
    with pytest.raises(QueryLostError, match=r"Internal error .*\(the query .* has been stopped\)"):
        client().run("select 1")
    assert service.states == ["CANCELLED"]


@pytest.mark.parametrize(
    ("reason", "category", "text"),
    [
        ("SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved", 2, "user error"),
        ("TABLE_NOT_FOUND: line 1:15: Table 'a.b.c' does not exist", 2, "user error"),
        ("HIVE_METASTORE_ERROR: node", 1, "system error"),
        ("INVALID_VIEW: stale", 3, "other error"),
    ],
)
def test_a_query_that_fails_tells_why_in_the_words_of_aws(
    service: Service, reason: str, category: int, text: str
) -> None:
    service.engine.script = raising(QueryFailedError(reason, category=category))
    with pytest.raises(FailedError) as caught:
        client().run("select 1", deadline=None)
    (query_id,) = service.athena.executions
    assert caught.value.query_id == query_id
    assert caught.value.reason == reason
    assert caught.value.category == text.split()[0]
    assert not caught.value.is_retryable
    assert caught.value.exit_code == 1
    assert str(caught.value) == f"The query failed: {reason} (query {query_id}, {text})."
    assert "StopQueryExecution" not in service.operations


def test_a_failure_that_may_pass_is_marked(service: Service) -> None:
    service.engine.script = raising(QueryFailedError("ICEBERG_COMMIT_ERROR: x", retryable=True))
    with pytest.raises(QueryRetryableError, match="; it may work the next time") as caught:
        client().run("select 1", deadline=None)
    assert caught.value.is_retryable


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        (
            "HIVE_CURSOR_ERROR: Failed to read s3://trail/a.json.gz: Please reduce your request"
            " rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)",
            "AWS got more requests than it takes at once to read s3://trail/a.json.gz (reduce your"
            " request rate), and no file is at fault",
        ),
        (
            "GENERIC_INTERNAL_ERROR: node",
            "an error inside Athena or on its way to S3 (GENERIC_INTERNAL_ERROR: node), and no file"
            " is at fault",
        ),
    ],
)
def test_what_is_nobody_s_fault_says_so_and_may_be_tried_again(
    service: Service, reason: str, named: str
) -> None:
    """Whether AWS marks it so or not."""
    service.engine.script = raising(QueryFailedError(reason, category=1))
    with pytest.raises(QueryRetryableError) as caught:
        client().run("select 1", deadline=None)
    (query_id,) = service.athena.executions
    assert caught.value.is_retryable
    assert caught.value.reason == reason
    assert str(caught.value) == (
        f"The query failed: {named}: run the command again later (query {query_id}, system error;"
        " it may work the next time)."
    )


def test_an_archived_object_is_not_a_denial(service: Service) -> None:
    reason = (
        "HIVE_CURSOR_ERROR: The operation is not valid for the object's storage class (Service:"
        " Amazon S3; Status Code: 403; Error Code: InvalidObjectState) (Path: s3://trail/a.gz)"
    )
    service.engine.script = raising(QueryFailedError(reason, category=2))
    with pytest.raises(FailedError) as caught:
        client().run("select 1", deadline=None)
    assert not caught.value.is_retryable
    assert str(caught.value).startswith(
        "The query failed: s3://trail/a.gz is archived in Glacier, where Athena cannot read it:"
        " restore it, or begin after its day with a later --from (query "
    )


def test_a_statement_that_athena_does_not_take_is_told(service: Service) -> None:
    with pytest.raises(RolecallError, match=r"AWS refused to start the query: .*'selec'"):
        client().run("selec 1")


def test_who_may_not_use_the_workgroup_is_told_what_to_ask_for(service: Service) -> None:
    arn = ARN.format("athena", "workgroup/audit")
    message = f"{USER} not authorized to perform: athena:StartQueryExecution on resource: {arn}"
    service.athena.refuse("StartQueryExecution", ApiError("AccessDeniedException", message))
    with pytest.raises(RolecallError) as caught:
        client().run("select 1")
    assert str(caught.value) == (
        "AWS does not allow you to start the query, which takes athena:StartQueryExecution on the"
        f" workgroup audit ({arn}): ask for this permission."
    )


@pytest.mark.parametrize(
    ("service_name", "resource", "action", "named"),
    [
        ("s3", "trail/AWSLogs/a.json.gz", "s3:GetObject", "the bucket trail ({})"),
        ("kms", "key/0f0e", "kms:Decrypt", "the key {}"),
        ("glue", "database/rolecall", "glue:GetDatabase", "the database rolecall ({})"),
        ("glue", "table/rolecall/events", "glue:GetTable", "the table rolecall.events ({})"),
    ],
)
def test_a_query_that_is_denied_says_of_what_and_what_to_ask_for(
    service: Service, service_name: str, resource: str, action: str, named: str
) -> None:
    arn = ARN.format(service_name, resource)
    reason = f"PERMISSION_DENIED: {USER} not authorized to perform: {action} on resource: {arn}"
    service.engine.script = raising(QueryFailedError(reason))
    with pytest.raises(FailedError) as caught:
        client().run("select 1", deadline=None)
    (query_id,) = service.athena.executions
    assert str(caught.value) == (
        f"The query failed: AWS does not allow {action} on {named.format(arn)}: ask for this"
        f" permission (query {query_id}, user error)."
    )
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "command",
    [("history",), ("session", "bob"), ("query", "access_review")],
    ids=lambda each: each[0],
)
def test_every_question_says_what_aws_denied_it(
    service: Service, rolecall: Rolecall, command: tuple[str, ...]
) -> None:
    arn = ARN.format("kms", "key/0f0e")
    reason = f"{USER} not authorized to perform: kms:Decrypt on resource: {arn}"
    service.engine.script = raising(QueryFailedError(reason))
    options = ("--target", "athena", "--workgroup", "rolecall")
    done = rolecall.run(*command, *options, exit_code=1, **environment(service))
    assert done.stderr.startswith(
        f"Error: The query failed: AWS does not allow kms:Decrypt on the key {arn}: ask for this"
        " permission (query "
    )
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("reason", "error_type", "is_missing"),
    [
        ("TABLE_NOT_FOUND: line 1:15: Table 'a.b.c' does not exist", 1301, True),
        ("SCHEMA_NOT_FOUND: line 1:15: Schema 'b' does not exist", 1301, True),
        ("Entity Not Found (Service: AWSGlue)", 1301, True),
        ("Table b.c is gone", 1110, True),
        ("TABLE_NOT_FOUND: line 1:15: Table 'a.b.c' does not exist", 1000, True),
        ("FAILED: SemanticException Table b.c does not exist", 1000, True),
        ("COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved", 1006, False),
        ("FUNCTION_NOT_FOUND: line 1:8: Function 'x' not registered", 1303, False),
        ("INVALID_VIEW: Column 'x' does not exist", 1107, False),
        ("HIVE_FILESYSTEM_ERROR: The file s3://trail/a.json.gz does not exist", 1302, False),
        ("PERMISSION_DENIED: Access Denied (Service: Amazon S3; Status Code: 403)", 1501, False),
    ],
)
def test_a_failure_says_whether_a_table_is_missing(
    service: Service, reason: str, error_type: int, is_missing: bool
) -> None:
    service.engine.script = raising(QueryFailedError(reason, type_=error_type))
    with pytest.raises(FailedError) as caught:
        client().run("select 1", deadline=None)
    assert caught.value.error_type == error_type
    assert caught.value.names_missing_table == is_missing


def test_a_workgroup_without_place_for_results_is_named(service: Service) -> None:
    with pytest.raises(RolecallError, match="The workgroup primary has no place for results"):
        client(place=Workspace("logs")).run("select 1")


def test_a_query_that_somebody_cancels_ends_the_wait(service: Service) -> None:
    service.engine.script = raising(CancelledError())
    with pytest.raises(QueryCancelledError, match="was cancelled: Query was cancelled by user"):
        client().run("select 1", deadline=None)


def test_a_query_over_the_limit_of_the_workgroup_is_told(service: Service) -> None:
    service.engine.script = raising(ScanLimitError())
    with pytest.raises(QueryScanLimitError, match="The workgroup rolecall stopped") as caught:
        client().run("select 1", deadline=None)
    assert caught.value.exit_code == OVER_SCAN_LIMIT


def test_the_queue_counts_for_the_deadline(service: Service) -> None:
    service.athena.capacity.clear()
    clock = Clock()
    with pytest.raises(
        QueryDeadlineError, match=r"still waiting in the queue after 60 s"
    ) as caught:
        client(clock).run("select 1", deadline=60)
    assert caught.value.exit_code == DEADLINE
    assert service.states == ["CANCELLED"]
    assert not service.engine.started.is_set()


def test_a_query_that_takes_too_long_is_stopped(service: Service) -> None:
    service.engine.script = until_stopped
    clock = Clock()
    with pytest.raises(QueryDeadlineError, match=r"after 60 s and was stopped"):
        client(clock).run("select 1", deadline=60)
    assert service.states == ["CANCELLED"]
    # Pauses grow to five seconds, and the last one ends with the deadline.
    assert clock.pauses[:3] == pytest.approx([0.2, 0.3, 0.45])
    assert max(clock.pauses) == 5.0
    assert sum(clock.pauses) == pytest.approx(60)


def test_pauses_are_jittered(service: Service) -> None:
    service.engine.script = until_stopped
    clock = Clock()
    athena = Athena(PLACE, clock=clock, sleep=clock.sleep, jitter=iter([0.0, 1.0] * 50).__next__)
    with pytest.raises(QueryDeadlineError):
        athena.run("select 1", deadline=1)
    assert clock.pauses[:2] == pytest.approx([0.1, 0.45])


def test_a_query_that_is_done_at_the_deadline_is_not_a_failure(service: Service) -> None:
    done = threading.Event()

    def wait_for_it(seconds: float) -> None:
        clock.sleep(seconds)
        while clock.now >= 1 and "SUCCEEDED" not in service.states:
            done.set()

    def script(statement: Statement, request: Request) -> Outcome:
        assert done.wait(30)
        return table(["n"], [["1"]])

    service.engine.script = script
    clock = Clock()
    athena = Athena(PLACE, clock=clock, sleep=wait_for_it, jitter=lambda: 0.5)
    assert list(athena.run("select 1", deadline=1).rows()) == [("1",)]


@pytest.mark.parametrize("signal_", [KeyboardInterrupt, SystemExit(143), MemoryError])
def test_whatever_ends_the_wait_stops_the_query(service: Service, signal_: Any) -> None:
    service.engine.script = until_stopped

    def interrupted(seconds: float) -> None:
        raise signal_

    athena = Athena(PLACE, sleep=interrupted)
    with pytest.raises((KeyboardInterrupt, SystemExit, MemoryError)):
        athena.run("select 1")
    assert service.states == ["CANCELLED"]


def test_an_interrupt_while_the_query_starts_leaves_none_running(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.engine.script = until_stopped
    athena = client()
    start = athena.client.start_query_execution
    interrupts = [KeyboardInterrupt]

    def interrupted(**request: Any) -> Any:
        answer = start(**request)
        if interrupts:
            raise interrupts.pop()
        return answer

    monkeypatch.setattr(athena.client, "start_query_execution", interrupted)
    with pytest.raises(KeyboardInterrupt):
        athena.run("select 1")
    assert service.states == ["CANCELLED"]


def test_a_token_that_expires_in_the_middle_says_which_query_may_go_on(service: Service) -> None:
    service.engine.script = until_stopped
    service.athena.refuse("GetQueryExecution", EXPIRED)
    service.athena.refuse("StopQueryExecution", EXPIRED)
    with pytest.raises(QueryLostError) as caught:
        client().run("select 1")
    (query_id,) = service.athena.executions
    assert str(caught.value) == (
        "The AWS credentials expired before Rolecall could follow the query: renew them (aws sso"
        f" login) and run the command again (the query {query_id} may go on running)."
    )
    service.athena.executions[query_id].is_stopped = True


def test_a_token_that_expires_while_reading_names_the_query(service: Service) -> None:
    service.engine.script = lambda statement, request: table(["n"], [["x"]] * 2_000)
    answer = client().run("select 1", deadline=None)
    service.athena.refuse("GetQueryResults", EXPIRED)
    with pytest.raises(RolecallError, match=f"expired before .* the query {answer.query_id}"):
        list(answer.rows())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": None}, "There are no AWS credentials to start the query with"),
        (
            {"AWS_REGION": None, "AWS_DEFAULT_REGION": None},
            r"No AWS region is set to use athena in: set AWS_REGION\.",
        ),
        ({"AWS_PROFILE": "nobody"}, r"no AWS credentials to use athena with .*nobody"),
        ({"AWS_ENDPOINT_URL_ATHENA": "nonsense"}, "AWS cannot be asked to use athena"),
    ],
)
def test_what_is_missing_in_the_environment_is_told(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str | None],
    message: str,
) -> None:
    for name, value in change.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(RolecallError, match=message):
        client().run("select 1")


def test_an_endpoint_that_does_not_answer_is_named(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ATHENA", "http://127.0.0.1:9")
    with pytest.raises(RolecallError, match=r"AWS cannot be reached .*http://127\.0\.0\.1:9/"):
        client().run("select 1")


def test_aws_region_is_enough(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert make_client("athena").meta.region_name == "eu-central-1"
    assert make_client("athena", "eu-west-1").meta.region_name == "eu-west-1"


# Whoever runs the tests may ignore interrupts, and a child does then as well.
DRIVER = """
import signal
import rolecall.commands.main
from rolecall.aws.athena_client import Athena
from rolecall.names import Workspace

signal.signal(signal.SIGINT, signal.default_int_handler)

@rolecall.commands.main.cli.command()
def ask():
    Athena(Workspace("logs", "rolecall")).run("select 1")

rolecall.commands.main.main()
"""


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_query_on_the_server(
    service: Service, number: signal.Signals, exit_code: int
) -> None:
    service.engine.script = until_stopped
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "ask"],
        env={"PYTHONPATH": str(PROJECT / "scripts"), "PATH": "", **environment(service)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.engine.started.wait(60)
        process.send_signal(number)
        _, complaint = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == exit_code, complaint
    assert service.states == ["CANCELLED"]
    assert "StopQueryExecution" in service.operations
    assert "Traceback" not in complaint


# --- names and money --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("database", "my-logs_2"),
        ("table", "cloudtrail_logs"),
        ("catalog", "awsdatacatalog"),
        ("catalog", "s3tablescatalog/bucket-1"),
        ("workgroup", "Rolecall.prod-1"),
        ("bucket", "my.bucket-1"),
        ("s3_url", "s3://my-bucket/athena/results/"),
        ("s3_url", "s3://my-bucket"),
    ],
)
def test_names_of_aws_are_taken(kind: str, name: str) -> None:
    assert valid_name(kind, name) == name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("database", 'a"; drop table b; --'),
        ("database", "Upper"),
        ("database", ""),
        ("database", "a\n"),
        ("database", "ünï"),
        ("table", "a.b"),
        ("table", "-a"),
        ("catalog", 'a"b'),
        ("workgroup", "a b"),
        ("bucket", "My_Bucket"),
        ("s3_url", "my-bucket/athena"),
        ("s3_url", "s3://my-bucket/a'b/"),
        ("s3_url", "s3://my-bucket//"),
    ],
)
def test_what_cannot_be_a_name_is_refused(kind: str, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a"):
        valid_name(kind, name)


def test_a_place_checks_its_names() -> None:
    for wrong in ({"database": "a b"}, {"workgroup": "a b"}, {"catalog": "a b"}):
        with pytest.raises(UsageError):
            Workspace(**({"database": "logs"} | wrong))
    with pytest.raises(UsageError, match=r"place in S3: it is written with s3://BUCKET/FOLDER/"):
        Workspace("logs", output_location="here")


@pytest.mark.parametrize(
    ("scanned_bytes", "dollars"),
    [(0, 0.00005), (10_000_000, 0.00005), (10_000_001, 0.000055), (10**12, 5.0)],
)
def test_the_price_is_per_megabyte_and_ten_at_least(scanned_bytes: int, dollars: float) -> None:
    assert scan_price(scanned_bytes) == pytest.approx(dollars)
    assert scan_price(scanned_bytes, 10) == pytest.approx(2 * dollars)
    assert scan_price(scanned_bytes, statement_type="DDL") == 0


def test_the_region_of_an_aws_profile_is_dbt_s_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client and dbt look for tables in one region, whoever names it."""
    config = tmp_path / "config"
    config.write_text("[profile audit]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "audit")
    settings = load_settings(target="athena", results="s3://results/")
    assert aws_region() == "eu-central-1"
    with _environment(settings):
        assert os.environ["ROLECALL_REGION"] == "eu-central-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert aws_region() == "eu-west-1"
    assert aws_region("us-west-2") == "us-west-2"
