"""The local Athena's API: what clients and dbt-athena rely on, through boto3."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_athena.account import Account
from local_athena.engine import Addresses, first_line
from local_athena.scripted import Service, serving, table, until_stopped
from local_athena.server import ApiError
from local_athena.statements import Statement
from local_athena.warehouse import Outcome, QueryFailedError, Request, ScanLimitError
from rolecall.aws.clients import Patience, make_client

_TRIES = 20_000


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with serving() as running:
        url = running.server.url
        for name, value in Addresses(url, url, "").environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def client(service: Service) -> Any:
    return make_client("athena", patience=Patience(attempts=1))


def start(client: Any, sql: str = "select 1", **more: Any) -> str:
    request = {"QueryString": sql, "WorkGroup": "rolecall"} | more
    execution_id: str = client.start_query_execution(**request)["QueryExecutionId"]
    return execution_id


def ended(client: Any, execution_id: str) -> dict[str, Any]:
    """Return the execution when it has ended."""
    for _ in range(_TRIES):
        execution: dict[str, Any] = client.get_query_execution(QueryExecutionId=execution_id)
        execution = execution["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
    raise AssertionError("The query does not end.")


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_execution_goes_from_the_queue_over_running_to_its_end(
    service: Service, client: Any
) -> None:
    go_on = threading.Event()

    def script(statement: Statement, request: Request) -> Outcome:
        assert go_on.wait(30)
        return table(["n"], [["1"]], scanned_bytes=7)

    service.engine.script = script
    service.athena.capacity.clear()
    execution_id = start(client, "select 1 as n")
    execution = client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
    assert execution["Status"]["State"] == "QUEUED"
    service.athena.capacity.set()
    assert service.engine.started.wait(30)
    execution = client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
    assert execution["Status"]["State"] == "RUNNING"
    code, message = refused(client.get_query_results, QueryExecutionId=execution_id)
    assert (code, "has not yet finished" in message) == ("InvalidRequestException", True)
    go_on.set()
    execution = ended(client, execution_id)
    assert execution["Status"]["State"] == "SUCCEEDED"
    assert execution["StatementType"] == "DML"
    assert execution["SubstatementType"] == "SELECT"
    assert execution["Statistics"]["DataScannedInBytes"] == 7
    assert execution["ResultConfiguration"]["OutputLocation"] in service.stored


def test_a_token_starts_one_query(service: Service, client: Any) -> None:
    token = str(uuid.uuid4())
    first = start(client, ClientRequestToken=token)
    assert start(client, ClientRequestToken=token) == first
    assert start(client) != first
    code, message = refused(
        client.start_query_execution,
        QueryString="select 2",
        WorkGroup="rolecall",
        ClientRequestToken=token,
    )
    assert (code, message) == ("InvalidRequestException", "Idempotent parameters do not match")
    assert len(service.athena.executions) == 2


def test_results_come_in_pages_with_the_header_on_the_first(service: Service, client: Any) -> None:
    rows = [[str(number)] for number in range(2_001)]
    service.engine.script = lambda statement, request: table(["n"], rows, ["bigint"])
    execution_id = start(client)
    ended(client, execution_id)
    pages = list(client.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id))
    cells = [
        [row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages
    ]
    assert [len(page) for page in cells] == [1_000, 1_000, 2]
    assert cells[0][:2] == ["n", "0"] and cells[2][-1] == "2000"
    info = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]
    assert (info["Name"], info["Type"]) == ("n", "bigint")
    code, _ = refused(client.get_query_results, QueryExecutionId=execution_id, MaxResults=1_001)
    assert code == "InvalidRequestException"


def test_null_is_a_cell_without_value_and_nothing_in_the_csv(service: Service, client: Any) -> None:
    row = [None, "", 'a,"b"\nc']
    service.engine.script = lambda statement, request: table(["a", "b", "c"], [row])
    execution = ended(client, start(client))
    page = client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    assert page["ResultSet"]["Rows"][1]["Data"] == [
        {},
        {"VarCharValue": ""},
        {"VarCharValue": 'a,"b"\nc'},
    ]
    text = service.stored[execution["ResultConfiguration"]["OutputLocation"]].decode()
    assert text == '"a","b","c"\n,"","a,""b""\nc"\n'
    assert list(csv.reader(io.StringIO(text)))[1] == ["", "", 'a,"b"\nc']


def test_a_failure_has_reason_and_category(service: Service, client: Any) -> None:
    def script(statement: Statement, request: Request) -> Outcome:
        raise QueryFailedError("TABLE_NOT_FOUND: line 1:15", category=2)

    service.engine.script = script
    status = ended(client, start(client))["Status"]
    assert (status["State"], status["StateChangeReason"]) == (
        "FAILED",
        "TABLE_NOT_FOUND: line 1:15",
    )
    assert status["AthenaError"]["ErrorCategory"] == 2


@pytest.mark.parametrize(
    ("script", "line"), [("print('here', flush=True)", "here\n"), ("pass", "")]
)
def test_an_engine_process_that_says_nothing_is_not_waited_for_without_end(
    script: str, line: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", f"{script}; __import__('sys').stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert first_line(process.stdout, 0.2 if not line else 30) == line
    finally:
        process.communicate(timeout=30)


def test_an_engine_that_breaks_ends_the_query(service: Service, client: Any) -> None:
    service.engine.script = lambda statement, request: [][0]
    status = ended(client, start(client))["Status"]
    assert status["State"] == "FAILED"
    assert status["AthenaError"]["ErrorCategory"] == 1


def test_a_stopped_query_is_cancelled_running_or_queued(service: Service, client: Any) -> None:
    service.engine.script = until_stopped
    running = start(client)
    assert service.engine.started.wait(30)
    client.stop_query_execution(QueryExecutionId=running)
    service.athena.capacity.clear()
    queued = start(client)
    client.stop_query_execution(QueryExecutionId=queued)
    service.athena.capacity.set()
    for execution_id in (running, queued):
        status = ended(client, execution_id)["Status"]
        assert status["State"] == "CANCELLED"
        assert status["StateChangeReason"] == "Query was cancelled by user"
    assert service.stored == {}


def test_stopping_what_has_ended_changes_nothing(service: Service, client: Any) -> None:
    execution_id = start(client)
    ended(client, execution_id)
    client.stop_query_execution(QueryExecutionId=execution_id)
    assert ended(client, execution_id)["Status"]["State"] == "SUCCEEDED"


def test_the_scan_limit_of_a_workgroup_cancels(service: Service, client: Any) -> None:
    limits = []

    def script(statement: Statement, request: Request) -> Outcome:
        limits.append(request.scan_limit)
        raise ScanLimitError

    service.engine.script = script
    status = ended(client, start(client, WorkGroup="enforced"))["Status"]
    assert (status["State"], status["StateChangeReason"]) == (
        "CANCELLED",
        "Bytes scanned limit was exceeded",
    )
    assert limits == [10_000_000]


def test_a_workgroup_says_where_results_go_and_may_insist(service: Service, client: Any) -> None:
    mine = {"OutputLocation": "s3://mine/"}

    def place(**more: Any) -> str:
        execution = ended(client, start(client, **more))
        location: str = execution["ResultConfiguration"]["OutputLocation"]
        return location.rpartition("/")[0]

    assert place() == "s3://results/athena"
    assert place(ResultConfiguration=mine) == "s3://mine"
    assert place(WorkGroup="enforced", ResultConfiguration=mine) == "s3://results/athena"
    assert place(WorkGroup="primary", ResultConfiguration=mine) == "s3://mine"
    _, message = refused(client.start_query_execution, QueryString="select 1", WorkGroup="primary")
    assert message.startswith("No output location provided.")
    configuration = client.get_work_group(WorkGroup="enforced")["WorkGroup"]["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"]
    assert configuration["BytesScannedCutoffPerQuery"] == 10_000_000


def test_an_enforced_workgroup_takes_no_table_with_a_location_of_its_own(
    service: Service, client: Any
) -> None:
    placed = "create table a with (external_location = 's3://mine/a') as select 1 as x"
    _, message = refused(client.start_query_execution, QueryString=placed, WorkGroup="enforced")
    assert "enforces a centralized output location" in message
    iceberg = (
        "create table a with (table_type = 'ICEBERG', location = 's3://mine/a') as select 1 as x"
    )
    start(client, QueryString=iceberg, WorkGroup="enforced")


@pytest.mark.parametrize(
    "request_",
    [
        {"QueryString": "selec 1"},
        {"QueryString": "select '" + "x" * 262_144 + "'"},
        {"QueryString": "select ?", "ExecutionParameters": ["'" + "x" * 1_023 + "'"]},
        {"QueryString": "select 1", "WorkGroup": "none"},
    ],
)
def test_invalid_requests_are_refused_before_anything_runs(
    service: Service, client: Any, request_: dict[str, Any]
) -> None:
    code, _ = refused(client.start_query_execution, **({"WorkGroup": "rolecall"} | request_))
    assert code == "InvalidRequestException"
    assert service.athena.executions == {}


def test_an_unknown_query_is_not_found(client: Any) -> None:
    _, message = refused(client.get_query_execution, QueryExecutionId="x")
    assert "was not found" in message


def test_errors_that_are_lined_up_are_answered_once_each(service: Service, client: Any) -> None:
    service.athena.refuse("GetWorkGroup", ApiError("TooManyRequestsException", "slow"), times=2)
    for _ in range(2):
        assert refused(client.get_work_group, WorkGroup="rolecall")[0] == "TooManyRequestsException"
    assert client.get_work_group(WorkGroup="rolecall")["WorkGroup"]["Name"] == "rolecall"


def test_executions_are_listed_newest_first(service: Service, client: Any) -> None:
    ids = [start(client) for _ in range(3)]
    found = client.list_query_executions(WorkGroup="rolecall", MaxResults=50)
    assert found["QueryExecutionIds"] == ids[::-1]
    assert client.list_query_executions(WorkGroup="primary")["QueryExecutionIds"] == []


# --- faults that tests in other processes ask for -----------------------------------------------


@pytest.fixture
def outside(service: Service) -> Account:
    """Return what a test in another process has."""
    return Account(Addresses(service.server.url, service.server.url, ""))


def test_a_statement_is_held_before_it_runs(
    service: Service, client: Any, outside: Account
) -> None:
    with outside.holding("select 1.*held"):
        held, other = start(client, "select 1 as held"), start(client, "select 1 as other")
        assert ended(client, other)["Status"]["State"] == "SUCCEEDED"
        for _ in range(_TRIES):
            if outside.held():
                break
        assert outside.held() == {held: "select 1 as held"}
        assert outside.state(held) == "QUEUED"
        assert f"s3://results/athena/{held}.csv" not in service.stored
    assert ended(client, held)["Status"]["State"] == "SUCCEEDED"


def test_a_statement_is_held_after_it_ran(service: Service, client: Any, outside: Account) -> None:
    with outside.holding("held", "after"):
        held = start(client, "select 1 as held")
        for _ in range(_TRIES):
            if outside.held():
                break
        assert outside.state(held) == "RUNNING"
        assert f"s3://results/athena/{held}.csv" in service.stored
        outside.let_go([held])
        assert ended(client, held)["Status"]["State"] == "SUCCEEDED"


def test_a_held_statement_can_be_stopped(service: Service, client: Any, outside: Account) -> None:
    with outside.holding("held"):
        held = start(client, "select 1 as held")
        client.stop_query_execution(QueryExecutionId=held)
        assert ended(client, held)["Status"]["State"] == "CANCELLED"
    assert service.stored == {}


def test_a_failure_names_no_file(service: Service, client: Any, outside: Account) -> None:
    def script(statement: Statement, request: Request) -> Outcome:
        raise QueryFailedError("HIVE_CURSOR_ERROR: Failed to read s3://trail/a.json.gz")

    service.engine.script = script
    with outside.naming_no_file("one"):
        reasons = [
            ended(client, start(client, f"select 1 as {name}"))["Status"]["StateChangeReason"]
            for name in ("one", "other")
        ]
    assert reasons == [
        "HIVE_CURSOR_ERROR: Failed to read a file",
        "HIVE_CURSOR_ERROR: Failed to read s3://trail/a.json.gz",
    ]


def test_statements_fail_for_a_reason(client: Any, outside: Account) -> None:
    with outside.failing("bad", "Permission denied on S3 path: s3://trail/"):
        status = ended(client, start(client, "select 1 as bad"))["Status"]
        assert status["StateChangeReason"] == "Permission denied on S3 path: s3://trail/"
    assert ended(client, start(client, "select 1 as bad"))["Status"]["State"] == "SUCCEEDED"
