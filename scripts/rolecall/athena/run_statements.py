"""The statements of a refresh on Athena: found by the run in their comment, and stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rolecall.aws.errors import doing, error_code
from rolecall.errors import RolecallError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

# Search from a little before the start, as clocks differ; the run id decides.
_CLOCK_LEEWAY = timedelta(minutes=5)
# What was started longer ago has ended: Athena lets DDL run 10 hours, queries at most 4 (Amazon
# Athena User Guide, "Service Quotas").
_LONGEST_STATEMENT = timedelta(hours=12)
_BATCH = 50
_UNDER_WAY = ("QUEUED", "RUNNING")
_STOP_SECONDS = 120.0
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """One refresh: the id in its statements' comments, their workgroup, and its start in UTC."""

    id: str
    workgroup: str
    started_at: datetime


def executions(client: AthenaClient, run: Run) -> Iterator[Any]:
    """Yield Athena's executions of a run's statements, newest first.

    Those without a comment (dbt-athena gives none to ALTER, DROP, OPTIMIZE and VACUUM) are not
    found. Raises ClientError and BotoCoreError.
    """
    since = run.started_at - _CLOCK_LEEWAY
    pages = client.get_paginator("list_query_executions").paginate(
        WorkGroup=run.workgroup, PaginationConfig={"PageSize": _BATCH}
    )
    for page in pages:
        found = _describe(client, page["QueryExecutionIds"])
        yield from (execution for execution in found if run.id in execution["Query"])
        if all(execution["Status"]["SubmissionDateTime"] < since for execution in found):
            return


def stop_statements(
    client: AthenaClient,
    run: Run,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Stop the statements that a dead run left, and return their ids once all have ended.

    ``clock`` and ``sleep`` are there for tests. Raises RolecallError if they cannot be found or
    stopped, or do not end in two minutes.
    """
    newer = max(run.started_at, datetime.now(UTC) - _LONGEST_STATEMENT)
    ends_at = clock() + _STOP_SECONDS
    with doing(f"stop what a dead refresh left in the workgroup {run.workgroup}"):
        stopped = _under_way(executions(client, Run(run.id, run.workgroup, newer)))
        for query_id in stopped:
            _stop(client, query_id)
        left = stopped
        while left := _under_way(_describe(client, left)):
            if clock() >= ends_at:
                raise RolecallError(
                    f"A refresh that died at work left statements that do not end in the workgroup"
                    f" {run.workgroup} ({', '.join(left)}): run the command again when they have."
                )
            sleep(_PAUSE_SECONDS)
    return stopped


def _stop(client: AthenaClient, query_id: str) -> None:
    try:
        client.stop_query_execution(QueryExecutionId=query_id)
    except ClientError as error:
        # It has ended meanwhile: whether it has is asked anyway.
        if error_code(error) != "InvalidRequestException":
            raise


def _under_way(found: Iterable[Any]) -> list[str]:
    return [
        execution["QueryExecutionId"]
        for execution in found
        if execution["Status"]["State"] in _UNDER_WAY
    ]


def _describe(client: AthenaClient, query_ids: Sequence[str]) -> list[Any]:
    return [
        execution
        for start in range(0, len(query_ids), _BATCH)
        for execution in client.batch_get_query_execution(
            QueryExecutionIds=query_ids[start : start + _BATCH]
        )["QueryExecutions"]
    ]
