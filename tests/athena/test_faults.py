"""Refreshes of the Athena target that die: nothing is lost or doubled, and no answer is absent."""

from __future__ import annotations

import gzip
import json
import re
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local_athena.account import CONSOLE_2020, Account, Warehouse
from local_athena.engine import RESULT_BUCKET, WORKGROUP
from rolecall.athena.compaction import STORE
from support import forked
from support.both_engines import differences
from support.command_line import PROJECT, Rolecall
from support.logs import event

pytestmark = pytest.mark.xdist_group("athena")

_ACCOUNT, _ROLE_ACCOUNT = "111122223333", "444455556666"
_STORE = tuple(table.name for table in STORE)
# Written side by side, from the events alone.
_OF_EVENTS = ("identity_events", "session_actions", "account_activity")
# A view is there from its first statement on, and shows what the tables below it have.
_VIEWS = ("role_entries",)
_MARTS = sorted(
    path.stem for path in (PROJECT / "models" / "marts").glob("*.sql") if path.stem not in _VIEWS
)
_STATEMENT_SECONDS = 120
_SCHEMA = "killed"
_ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
# The command line, whose lease is renewed all the time.
_RENEWS_OFTEN = """\
import rolecall.athena.lease
from rolecall.commands.main import main

rolecall.athena.lease.RENEWAL_SECONDS = 0.2
main()
"""


def _records(number: int) -> list[dict[str, Any]]:
    """Return the records of one log file: a switch, its session's start, and an action in it."""
    minute = f"2026-03-01T10:{number:02d}"
    role_id, name = "AROAEXAMPLEEXAMPLE111", f"bob{number}"
    role = f"arn:aws:iam::{_ROLE_ACCOUNT}:role/ReadOnly"
    session = {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{name}",
        "arn": f"arn:aws:sts::{_ROLE_ACCOUNT}:assumed-role/ReadOnly/{name}",
        "accountId": _ROLE_ACCOUNT,
        "sessionContext": {
            "attributes": {"creationDate": f"{minute}:00Z", "mfaAuthenticated": "false"},
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": role,
                "accountId": _ROLE_ACCOUNT,
                "userName": "ReadOnly",
            },
        },
    }
    switch = event(
        3 * number,
        eventTime=f"{minute}:00Z",
        eventSource="signin.amazonaws.com",
        eventName="SwitchRole",
        eventType="AwsConsoleSignIn",
        recipientAccountId=_ROLE_ACCOUNT,
        userIdentity={key: session[key] for key in ("type", "principalId", "arn", "accountId")},
        responseElements={"SwitchRole": "Success"},
        additionalEventData={
            "SwitchFrom": f"arn:aws:iam::{_ACCOUNT}:user/bob",
            "RedirectTo": "https://console.aws.amazon.com/",
        },
    )
    action = event(
        3 * number + 1,
        eventTime=f"{minute}:30Z",
        recipientAccountId=_ROLE_ACCOUNT,
        userIdentity=session,
    )
    return [switch, action, event(3 * number + 2, eventTime=f"{minute}:40Z")]


@dataclass
class Scene:
    """A schema whose refreshes die, and what came of it.

    ``answers`` has how many rows each mart had, and when; ``refusals`` what refreshes printed while
    process ``holder`` had the lease; the rest is of a statement that it left when it died.
    """

    warehouse: Warehouse
    file_count: int = 0
    answers: list[tuple[str, list[int]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    holder: int = 0
    orphan: str = ""
    orphan_sql: str = ""
    orphan_state: str = ""

    @property
    def account(self) -> Account:
        """The account that it is in."""
        return self.warehouse.account

    @property
    def logs(self) -> Path:
        """The folder that has the same logs as the bucket."""
        return self.warehouse.folder / "logs"

    def deliver(self) -> None:
        """Put one more log file into the bucket, and into a folder."""
        self.file_count += 1
        folder = f"AWSLogs/{_ROLE_ACCOUNT}/CloudTrail/us-east-1/2026/03/01"
        name = f"{_ROLE_ACCOUNT}_CloudTrail_us-east-1_20260301T10{self.file_count:02d}Z_a1B2c3.json"
        key, records = f"{folder}/{name}.gz", _records(self.file_count)
        self.account.put_log(_SCHEMA, key, records)
        (self.logs / folder).mkdir(parents=True, exist_ok=True)
        (self.logs / key).write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))

    def refreshing(self) -> AbstractContextManager[forked.Process]:
        """Run a refresh beside the test; it does not outlive it."""
        return self.warehouse.running("-c", _RENEWS_OFTEN, "refresh")

    def until_held(self, refresh: forked.Process) -> tuple[str, str]:
        """Return the statement of the refresh that is held, as soon as one is: its id and text."""
        deadline = time.monotonic() + _STATEMENT_SECONDS
        while not (held := self._held()):
            if refresh.poll() is not None:
                raise AssertionError(refresh.communicate())
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (statement,) = held.items()
        return statement

    def _held(self) -> dict[str, str]:
        held = self.account.held()
        held.pop(self.orphan, None)
        return held

    def kill_after(self, pattern: str) -> None:
        """Refresh, and end that by kill -9 when a statement with a pattern in it has run."""
        with self.account.holding(pattern, "after"), self.refreshing() as refresh:
            query_id, _ = self.until_held(refresh)
            refresh.send_signal(signal.SIGKILL)
            refresh.wait()
        self.until_ended(query_id)
        self.end_lease()

    def until_ended(self, query_id: str) -> str:
        """Return the final state of a statement."""
        deadline = time.monotonic() + _STATEMENT_SECONDS
        while (state := self.account.state(query_id)) not in _ENDED:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return state

    def end_lease(self) -> None:
        """Let the time of a dead run's lease be over."""
        self.change_lease(seconds=0)

    def change_lease(self, **members: object) -> None:
        """Let the lease say something else."""
        s3 = self.account.client("s3")
        lease = {
            "Bucket": RESULT_BUCKET,
            "Key": f"{self.warehouse.schema}/state/{self.warehouse.schema}.lease.json",
        }
        told = json.loads(s3.get_object(**lease)["Body"].read())
        s3.put_object(**lease, Body=json.dumps(told | members).encode())

    def ask(self, when: str) -> None:
        """Ask each mart, and note what it answers."""
        counts = ", ".join(f"(select count(*) from {mart})" for mart in _MARTS)
        (row,) = self.warehouse.rows(f"select {counts}")
        self.answers.append((when, [int(str(count)) for count in row]))


def _makes(model: str) -> str:
    """Return a pattern for the statement that makes the table of a model, and nothing else."""
    return rf'"node": "{model}".*create table \S*"{_SCHEMA}"\."{model}"'


def _adds_to(model: str) -> str:
    """Return a pattern for the statement that adds to the table of a model, and nothing else."""
    return rf'"node": "{model}".*merge into \S*"{_SCHEMA}"\."{model}"'


@pytest.fixture(scope="module")
def scene(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a schema that was loaded by refreshes of which nearly every one died.

    First each statement that makes a table of the store is the last one of its run, then each that
    adds to one, with a log file more each time: all runs but two begin on what a dead one left. The
    last one finds nothing new in the logs.
    """
    warehouse = Warehouse(account, _SCHEMA, _SCHEMA, tmp_path_factory.mktemp(_SCHEMA))
    scene = Scene(warehouse)
    scene.deliver()
    account.create_table(f"default.{_SCHEMA}", _SCHEMA, CONSOLE_2020)
    for model in ("events", *_OF_EVENTS, "log_reads"):
        # What died before may have made it.
        warehouse.rows(f"drop table if exists {model}")
        scene.kill_after(_makes(model))
    warehouse.dbt(PROJECT, "run")
    scene.ask("the first run that was whole")
    with _orphaned(scene):
        _die_in_mid_load(scene, "events")
        scene.orphan_state = account.state(scene.orphan)
    for model in (*_OF_EVENTS, "log_reads"):
        _die_in_mid_load(scene, model)
    _refresh_by_single_statements(scene)
    return scene


def _die_in_mid_load(scene: Scene, model: str) -> None:
    scene.deliver()
    scene.kill_after(_adds_to(model))
    scene.ask(f"a death after the merge into {model}")


@contextmanager
def _orphaned(scene: Scene) -> Iterator[None]:
    """Kill a refresh whose merge into events waits in the queue, and goes on waiting there.

    While it still runs, and once it is dead, a second refresh is started.
    """
    scene.deliver()
    account, warehouse = scene.account, scene.warehouse
    with ExitStack() as stack:
        with account.holding(_adds_to("events")), scene.refreshing() as refresh:
            scene.orphan, scene.orphan_sql = scene.until_held(refresh)
            run = re.search(r'"run": "[0-9a-f-]+"', scene.orphan_sql)
            assert run is not None
            stack.enter_context(account.holding(run[0]))
            scene.holder = refresh.pid
            scene.refusals.append(warehouse.rolecall("refresh", exit_code=1).stderr)
            refresh.send_signal(signal.SIGKILL)
            refresh.wait()
            scene.refusals.append(warehouse.rolecall("refresh", exit_code=1).stderr)
        assert account.state(scene.orphan) == "QUEUED"
        scene.end_lease()
        yield


def _refresh_by_single_statements(scene: Scene) -> None:
    """Refresh, and ask the marts after each statement that makes a table or adds to one."""
    account = scene.account
    writes = rf'"app": "rolecall".*(create table|merge into) \S*"{_SCHEMA}"'
    with account.holding(writes, "after"), scene.refreshing() as refresh:
        while refresh.poll() is None:
            for query_id, sql in account.held().items():
                node = re.search(r'"node": "(\w*)"', sql)
                scene.ask(f"a statement of {node and node[1]}")
                account.let_go([query_id])
            time.sleep(0.02)
        assert refresh.returncode == 0, refresh.communicate()


@pytest.fixture(scope="module")
def undisturbed(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a local database with the same logs, loaded by one refresh."""
    rolecall = Rolecall(tmp_path_factory.mktemp("undisturbed"))
    rolecall.refresh(scene.logs)
    return rolecall


# The fifth counts by load.
@pytest.mark.parametrize(
    "table", [*(name for name in _STORE if name != "account_activity"), *_MARTS]
)
def test_after_any_death_nothing_is_lost_and_nothing_doubled(
    scene: Scene, undisturbed: Rolecall, table: str
) -> None:
    (path,) = (PROJECT / "models").rglob(f"{table}.sql")
    assert differences(scene.warehouse, undisturbed, path) == ([], [])
    ((count,),) = undisturbed.query(f"select count(*) from {table}")
    if table in (*_STORE, "role_switches", "role_sessions"):
        assert count >= scene.file_count


def test_what_a_dead_run_left_undone_is_done_by_the_next(scene: Scene) -> None:
    """A run that loaded a file and died before the marts: the next finds nothing new to read."""
    switches = _MARTS.index("role_switches")
    (died,) = (counts for when, counts in scene.answers if when.endswith("into log_reads"))
    assert died[switches] < scene.file_count
    assert scene.answers[-1][1][switches] == scene.file_count


def test_after_any_death_every_event_is_counted_once(scene: Scene) -> None:
    counts = "select (select count(*) from events), (select sum(event_count) from account_activity)"
    ((events, counted),) = scene.warehouse.rows(counts)
    assert events == counted


def test_readers_find_every_mart_after_every_statement(scene: Scene) -> None:
    """And never less in it than before."""
    assert {f"a statement of {model}" for model in (*_STORE, *_MARTS)} <= {
        when for when, _ in scene.answers
    }
    for before, after in pairwise(scene.answers):
        assert all(map(int.__le__, before[1], after[1])), (before, after)


def test_a_second_refresh_is_refused_while_one_runs_or_its_lease_lasts(scene: Scene) -> None:
    assert len(scene.refusals) == 2
    for printed in scene.refusals:
        assert f"Error: {_SCHEMA} is being refreshed by process {scene.holder} on" in printed
        assert len(printed.splitlines()) == 1


def test_the_next_refresh_stops_what_a_dead_one_left_in_the_queue(scene: Scene) -> None:
    assert scene.orphan_state == "CANCELLED"


def test_no_temporary_table_of_a_dead_run_is_left(scene: Scene) -> None:
    """Five of them died after a merge, before they could remove theirs."""
    client = scene.account.client("glue")
    tables = client.get_tables(DatabaseName=_SCHEMA, MaxResults=100)["TableList"]
    assert len(tables) > len(_STORE) + len(_MARTS)
    assert [table["Name"] for table in tables if "__dbt_tmp" in table["Name"]] == []
    pages = scene.account.client("s3").get_paginator("list_objects_v2")
    folder = f"{_SCHEMA}/tables/{_SCHEMA}/"
    kept = [
        each["Key"]
        for page in pages.paginate(Bucket=RESULT_BUCKET, Prefix=folder)
        for each in page["Contents"]
    ]
    assert kept
    assert [key for key in kept if "__dbt_tmp" in key] == []


def test_a_statement_of_a_dead_run_that_lands_late_doubles_nothing(scene: Scene) -> None:
    """As if it could not have been stopped: its merge runs after all that came later.

    What it was to merge is gone by then; with rows to merge again it adds none either.
    """
    counts = "select (select count(*) from events), (select count(distinct event_id) from events)"
    before = scene.warehouse.rows(counts)
    with pytest.raises(AssertionError, match="events__dbt_tmp_"):
        scene.account.query(scene.orphan_sql, _SCHEMA)
    merged = re.search(r"events__dbt_tmp_\w+", scene.orphan_sql)
    assert merged is not None
    scene.account.query(f"create view {merged[0]} as select * from events", _SCHEMA)
    try:
        scene.account.query(scene.orphan_sql, _SCHEMA)
    finally:
        scene.account.query(f"drop view {merged[0]}", _SCHEMA)
    assert scene.warehouse.rows(counts) == before


def test_a_key_that_may_not_be_used_is_named_and_the_lease_given_back(scene: Scene) -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/0f0e0d0c-0b0a"
    reason = (
        "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://killed/AWSLogs/a.json.gz (offset=0,"
        " length=9): User: arn:aws:iam::111122223333:user/bob is not authorized to perform:"
        f" kms:Decrypt on resource: {key} because no identity-based policy allows it"
    )
    staging = rf'"node": "stg_cloudtrail__events".*"{_SCHEMA}"'
    for _ in range(2):  # a lease that stayed would be what the second one tells of
        with scene.account.failing(staging, reason):
            printed = scene.warehouse.rolecall("refresh", exit_code=1).stderr
        assert printed == (
            f"Error: The refresh failed: AWS does not allow kms:Decrypt on the key {key}: ask for"
            " this permission.\n"
        )


def test_a_refresh_that_loses_its_lease_stops_its_statements(scene: Scene) -> None:
    """What dbt is waiting for does not keep it."""
    staging = rf'"node": "stg_cloudtrail__events".*"{_SCHEMA}"'
    another = {"id": "another", "workgroup": WORKGROUP, "started_at": "2026-03-01T00:00:00+00:00"}
    with scene.account.holding(staging), scene.refreshing() as refresh:
        query_id, _ = scene.until_held(refresh)
        scene.change_lease(host="elsewhere", pid=7, runs=[another])
        _, printed = refresh.communicate(timeout=_STATEMENT_SECONDS)
    assert refresh.returncode == 1
    assert "has gone over to process 7 on elsewhere" in printed
    assert len(printed.splitlines()) == 1
    assert scene.account.state(query_id) == "CANCELLED"
    scene.end_lease()
