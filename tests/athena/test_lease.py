"""The lease and the statements of a dead run: one refresh at a time. S3 is moto's."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import rolecall.athena.lease
from local_athena.engine import Addresses, aws
from local_athena.scripted import Service, serving, table, until_stopped
from local_athena.server import ApiError
from rolecall.athena.lease import LEASE_SECONDS, RENEWAL_SECONDS, Lease, LeaseLostError, hold_lease
from rolecall.athena.run_statements import Run, stop_statements
from rolecall.aws.clients import make_client
from rolecall.errors import FAILED, RolecallError
from rolecall.settings import Settings, load_settings
from support.documents import documented

_NUMBERS = count()
_PLACE = "s3://results/rolecall/state/{}.lease.json"
_WAIT_SECONDS = 30
_STARTED_AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """Run S3; what AWS's clients read goes back to what it was."""
    with patch.dict(os.environ), aws() as url:
        yield url


@pytest.fixture
def settings(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a schema that nobody has a lease of."""
    for name, value in Addresses(s3_url, s3_url, "").environment().items():
        monkeypatch.setenv(name, value)
    return load_settings(schema=f"schema_{next(_NUMBERS)}", results="s3://results/rolecall/")


def _run(number: int = 1) -> Run:
    return Run(f"run-{number}", "rolecall", _STARTED_AT)


def _object(settings: Settings) -> dict[str, Any] | None:
    """Return what the lease in S3 says, None if there is none."""
    key = _PLACE.format(settings.schema_name).removeprefix("s3://results/")
    try:
        body = boto3.client("s3").get_object(Bucket="results", Key=key)["Body"].read()
    except ClientError:
        return None
    told: dict[str, Any] = json.loads(body)
    return told


def _replace(settings: Settings, body: bytes) -> None:
    key = _PLACE.format(settings.schema_name).removeprefix("s3://results/")
    boto3.client("s3").put_object(Bucket="results", Key=key, Body=body)


def _until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds; that it never does fails the test."""
    pause = threading.Event()
    for _ in range(_WAIT_SECONDS * 100):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("It never came to that.")


class Flaky:
    """A client of S3 on which writes fail with ``error``, or arrive without an answer."""

    def __init__(self, s3: Any) -> None:
        self.error: Exception | None = None
        self.loses_answers = False
        self._s3 = s3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **members: Any) -> Any:
        """Put an object, as botocore does: without an answer it asks again."""
        if self.error is not None:
            raise self.error
        if self.loses_answers:
            with suppress(ClientError):
                self._s3.put_object(**members)
        return self._s3.put_object(**members)


@pytest.fixture
def flaky(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Flaky:
    """Return the client that leases will have."""
    flaky = Flaky(make_client("s3"))
    monkeypatch.setattr(rolecall.athena.lease, "make_client", lambda *names, **options: flaky)
    return flaky


# --- one at a time ----------------------------------------------------------------------------


def test_a_second_refresh_is_told_who_is_at_work_since_when_and_until_when(
    settings: Settings,
) -> None:
    Lease(settings, _run(1)).take()
    with pytest.raises(RolecallError) as raised:
        Lease(settings, _run(2)).take()
    told = _object(settings)
    assert told is not None
    ends_at = datetime.fromisoformat(told["ends_at"])
    # S3's times have no fractions of a second.
    ends = {f"{ends_at + timedelta(seconds=off):%H:%M:%S} UTC" for off in (-1, 0, 1)}
    message = str(raised.value)
    assert f"by process {os.getpid()} on {told['host']} since 2026-03-01 10:30 UTC" in message
    assert _PLACE.format(settings.schema_name) in message
    assert any(message.endswith(f"ends at {end}.") for end in ends), message
    # As the local target does while another process has its database.
    assert raised.value.exit_code == FAILED


@pytest.mark.parametrize("has_died", [False, True], ids=["none there", "one left by a dead run"])
def test_of_many_that_want_it_at_once_one_gets_it(settings: Settings, has_died: bool) -> None:
    if has_died:
        Lease(settings, _run(0), seconds=0).take()
    leases = [Lease(settings, _run(number)) for number in range(1, 9)]
    start = threading.Barrier(len(leases))

    def gets_it(lease: Lease) -> bool:
        start.wait(_WAIT_SECONDS)
        try:
            lease.take()
        except RolecallError:
            return False
        return True

    with ThreadPoolExecutor(len(leases)) as pool:
        outcomes = list(pool.map(gets_it, leases))
    assert outcomes.count(True) == 1
    told = _object(settings)
    assert told is not None
    assert told["runs"][0]["id"] == f"run-{outcomes.index(True) + 1}"


def test_a_lease_that_has_ended_is_taken_over_with_what_its_runs_left(settings: Settings) -> None:
    Lease(settings, _run(1), seconds=0).take()
    second = Lease(settings, _run(2), seconds=0)
    second.take()
    assert second.predecessors == (_run(1),)
    third = Lease(settings, _run(3))
    third.take()
    assert third.predecessors == (_run(2), _run(1))


def test_the_end_is_told_by_the_clock_of_s3(settings: Settings) -> None:
    """The holder's clock is a year behind: its lease has not ended."""
    Lease(settings, _run(1)).take()
    told = _object(settings)
    assert told is not None
    told["ends_at"] = (datetime.now(UTC) - timedelta(days=365)).isoformat()
    _replace(settings, json.dumps(told).encode())
    with pytest.raises(RolecallError, match="is being refreshed by"):
        Lease(settings, _run(2)).take()


def test_schemas_have_leases_of_their_own(settings: Settings) -> None:
    Lease(settings, _run(1)).take()
    other = settings.model_copy(update={"schema_name": settings.schema_name + "_other"})
    Lease(other, _run(2)).take()


def test_what_is_not_a_lease_is_named_and_left_alone(settings: Settings) -> None:
    _replace(settings, b'{"runs": []}')
    with pytest.raises(RolecallError, match="is not a lease of Rolecall's: see what it is"):
        Lease(settings, _run()).take()
    assert _object(settings) == {"runs": []}


# --- kept and given back ----------------------------------------------------------------------


def test_a_lease_given_back_is_gone(settings: Settings) -> None:
    lease = Lease(settings, _run(1))
    lease.take()
    lease.release()
    assert _object(settings) is None
    Lease(settings, _run(2)).take()


def test_a_lease_that_is_another_s_by_now_is_not_taken_away(settings: Settings) -> None:
    first = Lease(settings, _run(1), seconds=0)
    first.take()
    Lease(settings, _run(2)).take()
    first.release()
    told = _object(settings)
    assert told is not None
    assert told["runs"][0]["id"] == "run-2"


def test_while_a_dead_run_s_statements_are_under_way_the_lease_remembers_it(
    settings: Settings,
) -> None:
    Lease(settings, _run(1), seconds=0).take()
    second = Lease(settings, _run(2))
    second.take()
    second.release()
    third = Lease(settings, _run(3))
    third.take()
    assert third.predecessors == (_run(2), _run(1))


def test_an_answer_that_is_lost_loses_no_lease(settings: Settings, flaky: Flaky) -> None:
    flaky.loses_answers = True
    lease = Lease(settings, _run(1))
    lease.take()
    flaky.loses_answers = False
    lease.renew()
    lease.release()
    assert _object(settings) is None


def test_a_renewal_puts_off_the_end(settings: Settings) -> None:
    lease = Lease(settings, _run(1))
    lease.take()
    before = _object(settings)
    lease.renew()
    after = _object(settings)
    assert before is not None and after is not None
    assert after["ends_at"] > before["ends_at"]


def test_a_lease_that_another_took_is_lost(settings: Settings) -> None:
    lease = Lease(settings, _run(1), seconds=0)
    lease.take()
    Lease(settings, _run(2)).take()
    with pytest.raises(LeaseLostError, match=r"has gone over to process \d+ on .* is given up"):
        lease.renew()


def test_a_lease_that_somebody_removed_is_lost(settings: Settings) -> None:
    lease = Lease(settings, _run(1))
    lease.take()
    key = _PLACE.format(settings.schema_name).removeprefix("s3://results/")
    boto3.client("s3").delete_object(Bucket="results", Key=key)
    with pytest.raises(LeaseLostError, match="was removed while this refresh ran"):
        lease.renew()


def test_s3_may_fail_for_a_while_but_not_until_the_lease_ends(
    settings: Settings, flaky: Flaky
) -> None:
    now = [0.0]
    lease = Lease(settings, _run(1), clock=lambda: now[0])
    lease.take()
    flaky.error = EndpointConnectionError(endpoint_url="https://s3")
    now[0] = LEASE_SECONDS - RENEWAL_SECONDS - 1
    lease.renew()
    now[0] += 1
    with pytest.raises(LeaseLostError, match=r"^AWS cannot be reached to renew .*; it ends now"):
        lease.renew()


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leases be renewed all the time."""
    monkeypatch.setattr(rolecall.athena.lease, "RENEWAL_SECONDS", 0.01)


@pytest.mark.usefixtures("_often")
def test_a_refresh_keeps_its_lease_and_gives_it_back(settings: Settings) -> None:
    with hold_lease(settings) as run:
        first = _object(settings)
        _until(lambda: _object(settings) != first)
        assert os.environ["ROLECALL_RUN"] == run.id
    assert _object(settings) is None
    assert "ROLECALL_RUN" not in os.environ


@pytest.mark.parametrize("end", [RolecallError("no"), KeyboardInterrupt(), SystemExit(143)])
def test_a_refresh_that_fails_or_is_ended_gives_it_back(
    settings: Settings, end: BaseException
) -> None:
    with pytest.raises(type(end)), hold_lease(settings):
        assert _object(settings) is not None
        raise end
    assert _object(settings) is None


@pytest.mark.usefixtures("_often")
def test_a_lost_lease_ends_the_refresh(settings: Settings) -> None:
    """As SIGTERM does while it waits, but with a sentence that says what has happened."""

    def terminated(number: int, frame: object) -> None:
        raise SystemExit(143)

    waited: list[bool] = []
    before = signal.signal(signal.SIGTERM, terminated)
    try:
        with pytest.raises(LeaseLostError, match="has gone over to process 7 on elsewhere"):
            _be_robbed(settings, waited)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not waited
    told = _object(settings)
    assert told is not None
    assert told["host"] == "elsewhere"


def _be_robbed(settings: Settings, waited: list[bool]) -> None:
    """Hold a lease that another takes, and wait; note that nothing has ended the waiting."""
    with hold_lease(settings):
        told = _object(settings)
        assert told is not None
        told |= {"host": "elsewhere", "pid": 7}
        told["runs"][0]["id"] = "another"
        _replace(settings, json.dumps(told).encode())
        waited.append(threading.Event().wait(_WAIT_SECONDS))


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Access Denied", "s3://results/rolecall/state/"),
        (
            "User: arn:aws:iam::111122223333:user/bob is not authorized to perform:"
            " kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:111122223333:key/0f0e",
            "arn:aws:kms:us-east-1:111122223333:key/0f0e",
        ),
    ],
    ids=["bucket", "key"],
)
def test_a_bucket_or_key_that_may_not_be_used_is_named(
    settings: Settings, flaky: Flaky, message: str, named: str
) -> None:
    flaky.error = ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "PutObject")
    with pytest.raises(RolecallError, match=r"^AWS does not allow you to take the lease") as raised:
        Lease(settings, _run()).take()
    assert named in str(raised.value)


# --- what a dead run left ---------------------------------------------------------------------


@pytest.fixture
def service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run an Athena whose statements run until somebody stops them."""
    with serving() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ATHENA", running.server.url)
        running.engine.script = until_stopped
        yield running


def _start(run: Run, athena: Any = None) -> str:
    """Start a statement as dbt sends it, and return its id."""
    started = (athena or make_client("athena")).start_query_execution(
        QueryString=f'-- /* {{"run": "{run.id}", "node": "events"}} */\nselect 1 as n',
        WorkGroup="rolecall",
        ResultConfiguration={"OutputLocation": "s3://results/athena/"},
    )
    return str(started["QueryExecutionId"])


def _now(number: int = 1) -> Run:
    return replace(_run(number), started_at=datetime.now(UTC))


def test_what_a_dead_run_left_is_stopped_and_nothing_else(service: Service) -> None:
    dead, living = _now(1), _now(2)
    left = {_start(dead), _start(dead)}
    other = _start(living)
    _until(lambda: service.states == ["RUNNING"] * 3)
    assert set(stop_statements(make_client("athena"), dead)) == left
    assert [service.athena.executions[query_id].state for query_id in left] == ["CANCELLED"] * 2
    assert service.athena.executions[other].state == "RUNNING"
    stop_statements(make_client("athena"), living)


def test_what_has_ended_is_left_alone(service: Service) -> None:
    dead = _now()
    _start(dead)
    athena = make_client("athena")
    assert len(stop_statements(athena, dead)) == 1
    assert stop_statements(athena, dead) == []
    assert service.operations.count("StopQueryExecution") == 1


def test_statements_are_looked_for_up_to_the_start_of_the_run(service: Service) -> None:
    """A workgroup tells of 45 days; all older pages are left unread."""
    service.engine.script = lambda statement, request: table(["n"], [["1"]], ["integer"])
    athena = make_client("athena")
    for _ in range(120):
        _start(_now(2), athena)
    _until(lambda: set(service.states) == {"SUCCEEDED"})
    for execution in service.athena.executions.values():
        execution.submitted_at -= 86_400
    service.engine.script = until_stopped
    dead = _now()
    _start(dead)
    assert len(stop_statements(athena, dead)) == 1
    # Of three pages, the first has the run's and the second has none that is as new.
    assert service.operations.count("ListQueryExecutions") == 2


def test_what_does_not_end_is_named(service: Service) -> None:
    dead = _now()
    query_id = _start(dead)
    service.athena.refuse("StopQueryExecution", ApiError("InvalidRequestException", "Not now"))
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += 50 * seconds

    with pytest.raises(RolecallError, match=rf"workgroup rolecall \({query_id}\)"):
        stop_statements(make_client("athena"), dead, clock=lambda: now[0], sleep=sleep)
    assert now[0] >= 120
    make_client("athena").stop_query_execution(QueryExecutionId=query_id)


def test_the_document_says_where_to_break_a_lease_by_hand(settings: Settings) -> None:
    *command, place = documented("docs/athena.md", "aws s3 rm").split()
    assert command == ["aws", "s3", "rm"]
    settings = settings.model_copy(update={"schema_name": "rolecall"})
    assert Lease(settings, _run()).url == place.replace("YOUR-RESULTS-BUCKET", "results")


def test_a_workgroup_that_may_not_be_asked_is_named(service: Service) -> None:
    denied = ApiError("AccessDeniedException", "User is not authorized to perform: athena:List")
    service.athena.refuse("ListQueryExecutions", denied)
    with pytest.raises(RolecallError, match=r"^AWS does not allow you to stop .* rolecall, which"):
        stop_statements(make_client("athena"), _now())


def _left_by_a_dead_run(settings: Settings) -> str:
    """Let a run die whose lease is over; return the id of the statement that it leaves."""
    dead = _now()
    Lease(settings, dead, seconds=0).take()
    return _start(dead)


def test_the_run_that_takes_over_stops_what_the_dead_one_left(
    settings: Settings, service: Service
) -> None:
    query_id = _left_by_a_dead_run(settings)
    with hold_lease(settings):
        assert service.athena.executions[query_id].state == "CANCELLED"
    assert _object(settings) is None


def test_what_could_not_be_stopped_is_stopped_by_the_next(
    settings: Settings, service: Service
) -> None:
    query_id = _left_by_a_dead_run(settings)
    service.athena.refuse("ListQueryExecutions", ApiError("AccessDeniedException", "No"))
    with pytest.raises(RolecallError, match="AWS does not allow you"), hold_lease(settings):
        raise AssertionError("It began.")
    with hold_lease(settings):
        assert service.athena.executions[query_id].state == "CANCELLED"
