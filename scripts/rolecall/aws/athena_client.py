"""The Athena client: runs a query, waits for it within a deadline, and reads its result.

Sources: Athena's API reference (StartQueryExecution, GetQueryExecution, GetQueryResults,
StopQueryExecution) and botocore's guide to retries.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.aws.alarm import TimeIsUp
from rolecall.aws.answer import PRICE_PER_TB, Answer
from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing, user_error
from rolecall.aws.failed_queries import QueryDeadlineError, QueryError, QueryLostError, failure_of
from rolecall.errors import RolecallError, UsageError
from rolecall.names import Workspace
from rolecall.parameters import Parameter, Value, execution_parameters

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient


DEADLINE_SECONDS = 1800.0
"""How long a query may take, its time in the queue included: as long as Athena lets one run."""

LONGEST_QUERY = 262_144
"""The longest query string that Athena takes, in bytes of UTF-8 ("Service quotas")."""


_FIRST_PAUSE, _LONGEST_PAUSE, _PAUSE_GROWTH = 0.2, 5.0, 1.5


class Athena:
    """Runs queries in a workspace, one at a time.

    ``stopping_client`` takes the place of ``client`` to stop a query, where the time for that is
    short. ``price_per_tb`` is in US dollars. ``clock``, ``sleep`` and ``jitter`` (which gives a
    number from 0 to 1) are there for tests.
    """

    def __init__(
        self,
        workspace: Workspace,
        client: AthenaClient | None = None,
        *,
        stopping_client: AthenaClient | None = None,
        price_per_tb: float = PRICE_PER_TB,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.workspace = workspace
        self.client: AthenaClient = aws_in(None).athena if client is None else client
        self.price_per_tb = price_per_tb
        self._stopping_client = stopping_client or self.client
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def run(
        self,
        sql: str,
        values: Mapping[str, Value] | None = None,
        deadline: float | None = DEADLINE_SECONDS,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> Answer:
        """Run a query and return its answer once it has succeeded.

        ``values`` has one for each named parameter of ``sql``, ``parameters`` says of what kind
        they are. ``deadline`` is in seconds from now, the time in the queue included; without one
        it is None. Whatever ends the waiting stops the query: an interrupt or SIGTERM that raises
        SystemExit too, and an alarm (``rolecall.aws.alarm``), which is a deadline for calls that
        hang.

        Raises UsageError for what Athena would not take, QueryFailedError, QueryCancelledError,
        QueryScanLimitError, QueryDeadlineError, QueryLostError, and RolecallError if the query
        cannot be started.
        """
        request = self._request(sql, values or {}, parameters)
        ends_at = None if deadline is None else self._clock() + deadline
        query_id: str | None = None
        try:
            query_id = self._start(request, self.client)
            execution = self._await_end(query_id, ends_at)
        except RolecallError:
            raise
        except TimeIsUp:
            query_id, is_stopped = self._end(query_id, request)
            what = f"the query {query_id}, which" if query_id else "the start of the query, which"
            fate = "has been stopped" if is_stopped else "may go on running"
            raise QueryDeadlineError(
                f"AWS did not answer in time about {what} {fate}: ask again, with more time.",
                query_id=query_id or "",
            ) from None
        except BaseException:
            self._end(query_id, request)
            raise
        return Answer(self, execution)

    def _request(
        self, sql: str, values: Mapping[str, Value], parameters: Mapping[str, Parameter] | None
    ) -> dict[str, Any]:
        sql, literals = execution_parameters(sql, values, parameters)
        length = len(sql.encode())
        if length > LONGEST_QUERY:
            raise UsageError(
                f"The query has {length:,} bytes, and Athena takes {LONGEST_QUERY:,}: shorten it."
            )
        request: dict[str, Any] = {
            "QueryString": sql,
            "QueryExecutionContext": {
                "Catalog": self.workspace.catalog,
                "Database": self.workspace.database,
            },
            "WorkGroup": self.workspace.workgroup,
            # The same for every attempt of botocore: Athena starts the query once.
            "ClientRequestToken": str(uuid.uuid4()),
        }
        if literals:
            request["ExecutionParameters"] = literals
        if self.workspace.output_location is not None:
            request["ResultConfiguration"] = {"OutputLocation": self.workspace.output_location}
        return request

    def _start(self, request: dict[str, Any], client: AthenaClient) -> str:
        try:
            return client.start_query_execution(**request)["QueryExecutionId"]
        except (ClientError, BotoCoreError) as error:
            if "output location" in str(error).lower():
                raise RolecallError(
                    f"The workgroup {self.workspace.workgroup} has no place for results: name one"
                    " such as s3://my-bucket/athena/ (ROLECALL_RESULTS), or set it in the"
                    " workgroup."
                ) from None
            raise user_error(error, "start the query") from None

    def _await_end(self, query_id: str, ends_at: float | None) -> dict[str, Any]:
        """Return the execution of a query that succeeded; stop one that cannot be followed."""
        try:
            return self._wait(query_id, ends_at)
        except QueryError:
            raise
        except RolecallError as error:
            fate = "has been stopped" if self._stop(query_id) else "may go on running"
            raise QueryLostError(
                f"{str(error).rstrip('.')} (the query {query_id} {fate}).", query_id=query_id
            ) from None

    def _wait(self, query_id: str, ends_at: float | None) -> dict[str, Any]:
        """Return the execution of a query that succeeded. Raises RolecallError."""
        started_at, pause = self._clock(), _FIRST_PAUSE
        while True:
            execution = self._execution(query_id)
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                return execution
            if state in ("FAILED", "CANCELLED"):
                raise failure_of(execution)
            now = self._clock()
            if ends_at is not None and now >= ends_at:
                fate = "was stopped" if self._stop(query_id) else "could not be stopped"
                waiting = "waiting in the queue" if state == "QUEUED" else "running"
                raise QueryDeadlineError(
                    f"The query {query_id} was still {waiting} after {now - started_at:,.0f} s and"
                    f" {fate}: give it more time, or ask for fewer days.",
                    query_id=query_id,
                )
            wanted = pause * (0.5 + self._jitter())
            self._sleep(wanted if ends_at is None else min(wanted, ends_at - now))
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)

    def _execution(self, query_id: str) -> dict[str, Any]:
        with doing("follow the query"):
            answer: Any = self.client.get_query_execution(QueryExecutionId=query_id)
        execution: dict[str, Any] = answer["QueryExecution"]
        return execution

    def _end(self, query_id: str | None, request: dict[str, Any]) -> tuple[str | None, bool]:
        """Stop a query in mid-flight; return its id and whether AWS took the order."""
        try:
            # A start that was cut off may have arrived: the same token gives the query's id.
            query_id = query_id or self._start(request, self._stopping_client)
        except RolecallError:
            return None, False
        return query_id, self._stop(query_id)

    def _stop(self, query_id: str) -> bool:
        """Stop a query; say whether AWS took the order."""
        try:
            self._stopping_client.stop_query_execution(QueryExecutionId=query_id)
        except (ClientError, BotoCoreError):
            return False
        return True
