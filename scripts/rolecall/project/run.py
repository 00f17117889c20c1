"""The dbt project: where it is, how it is run, and the compiled SQL of its analyses."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from rolecall.aws.query_errors import fault_of
from rolecall.project.location import project_dir, state_dir
from rolecall.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# The environment variable that puts the run id into each statement's comment.
_RUN = "ROLECALL_RUN"
# What rolecall.project.days_to_read describes; that module imports AWS's, which take time.
_DAYS_TO_READ = "ROLECALL_DAYS_TO_READ"
# How long what runs on DuckDB may take to end after a signal.
_PATIENCE_SECONDS = 1.0
# Artifacts that nothing reads cost a second.
_LEAN = ("--no-version-check", "--no-write-json")


def run_dbt(
    arguments: list[str],
    settings: Settings,
    *,
    days_to_read: str = "",
    skip_log_files: Mapping[str, str] | None = None,
    archived_logs: Sequence[Mapping[str, object]] = (),
    empty_days: Sequence[Mapping[str, object]] = (),
) -> dbtRunnerResult:
    """Run a dbt command in this process, on the project and target of ``settings``.

    On Athena the load reads ``days_to_read`` (as ``rolecall.project.days_to_read`` has it), '' for
    what dbt alone would, and leaves out ``skip_log_files``, each an S3 URL with what is wrong with
    it; ``archived_logs`` and ``empty_days`` are entered (all as dbt_project.yml has them). dbt
    prints nothing; its log is in ``state_dir()``. The database is closed afterwards. An interrupt
    and SIGTERM come through as KeyboardInterrupt and SystemExit; on DuckDB they do not wait for
    what still reads.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    state_dir().mkdir(parents=True, exist_ok=True)
    command, *rest = arguments
    options = {
        "--project-dir": project_dir(),
        "--profiles-dir": project_dir(),
        "--target": settings.target,
        "--target-path": state_dir(),
        "--log-path": state_dir() / "logs",
        "--log-level": "none",
        "--log-level-file": "warn",
    }
    if settings.target == "athena":
        from rolecall.aws.botocore_cache import read_service_files_once

        read_service_files_once()
        variables = table_variables(settings)
        if skip_log_files:
            variables["skip_log_files"] = dict(skip_log_files)
        if archived_logs:
            variables["archived_logs"] = list(archived_logs)
        if empty_days:
            variables["empty_days"] = list(empty_days)
        options["--vars"] = json.dumps(variables)
    flat = [str(part) for option in options.items() for part in option]
    # A query of Athena's is stopped by AWS, however long that takes.
    patience = None if settings.target == "athena" else _PATIENCE_SECONDS
    with _environment(settings, days_to_read), _termination_as_interrupt(patience):
        try:
            result = dbtRunner().invoke([command, *flat, *_LEAN, *rest])
            if isinstance(result.exception, (KeyboardInterrupt, SystemExit)):
                raise result.exception
            return result
        finally:
            environment = DuckDBConnectionManager._ENV
            if environment is not None:
                environment.close()
            DuckDBConnectionManager.close_all_connections()


@contextmanager
def named_run(run_id: str) -> Iterator[None]:
    """Let every statement that dbt sends meanwhile carry ``run_id`` in its comment."""
    before = os.environ.get(_RUN)
    os.environ[_RUN] = run_id
    try:
        yield
    finally:
        if before is None:
            del os.environ[_RUN]
        else:
            os.environ[_RUN] = before


def failures(result: dbtRunnerResult) -> str:
    """Return what went wrong in a run of dbt, in one line; where AWS is at fault, that is said."""
    reason = _reason(result)
    fault = fault_of(reason)
    return reason if fault is None else fault.sentence


def _reason(result: dbtRunnerResult) -> str:
    if result.exception is not None:
        return _one_line(str(result.exception))
    failed = [
        f"{node_result.node.name}: {_one_line(node_result.message or node_result.status)}"
        for node_result in getattr(result.result, "results", [])
        if node_result.status in ("error", "fail", "runtime error", "partial success")
    ]
    return "; ".join(failed) or "see the log of dbt"


def table_variables(settings: Settings) -> dict[str, object]:
    """Return the variables of dbt that name the CloudTrail table on Athena."""
    schema, _, table = settings.table.partition(".")
    variables: dict[str, object] = {"cloudtrail_schema": schema, "cloudtrail_table": table}
    if settings.partitions is not None:
        variables["cloudtrail_partitions"] = settings.partitions
    return variables


@contextmanager
def _termination_as_interrupt(patience_seconds: float | None) -> Iterator[None]:
    """Let SIGTERM reach dbt as an interrupt, on which it stops the queries that it started.

    After ``patience_seconds``, unless they are None, dbt's waiting for them is interrupted too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: int | None = None

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal received
        received = number
        # What dbt and the engine close on the first is not broken off by the next.
        for ending in endings:
            signal.signal(ending, signal.SIG_IGN)
        if patience_seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, patience_seconds)
        raise KeyboardInterrupt

    def lose_patience(number: int, frame: FrameType | None) -> NoReturn:
        raise _end_of(received)

    endings = [signal.SIGTERM]
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt)}
    if patience_seconds is not None:
        endings.append(signal.SIGINT)
        before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, lose_patience)
    try:
        yield
    finally:
        if patience_seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if received is None:
            for number, handler in before.items():
                signal.signal(number, handler)
        else:
            # Whatever a query says that was broken off is no fault.
            raise _end_of(received) from None


def _end_of(received: int | None) -> BaseException:
    if received == signal.SIGTERM:
        return SystemExit(128 + received)
    return KeyboardInterrupt()


@contextmanager
def _environment(settings: Settings, days_to_read: str = "") -> Iterator[None]:
    """Set what ``profiles.yml`` and the macros read from the environment, for the time of a run."""
    before = dict(os.environ)
    os.environ["ROLECALL_DATABASE"] = str(settings.database.absolute())
    os.environ["ROLECALL_LOGS"] = "" if settings.logs is None else str(settings.logs.absolute())
    os.environ["ROLECALL_ADD_LOGS"] = "1" if settings.add_logs else ""
    os.environ["ROLECALL_MEMORY"] = str(settings.memory)
    os.environ["ROLECALL_SCHEMA"] = settings.schema_name
    os.environ["ROLECALL_WORKGROUP"] = settings.workgroup
    if settings.results is not None:
        os.environ["ROLECALL_RESULTS"] = settings.results
    if settings.target == "athena":
        from rolecall.aws.clients import aws_region

        # A profile of AWS's may name the region: dbt is to look where the client looks.
        if region := aws_region(settings.region):
            os.environ["ROLECALL_REGION"] = region
    os.environ["ROLECALL_AUDIT"] = "1" if settings.audit else ""
    os.environ[_DAYS_TO_READ] = days_to_read
    path_before = list(sys.path)
    folder_before = Path.cwd()
    # dbt logs the command line, and stops at one that is not UTF-8: it is not its own.
    arguments_before, sys.argv = sys.argv, ["dbt"]
    try:
        yield
    finally:
        sys.argv = arguments_before
        os.chdir(folder_before)
        sys.path[:] = path_before
        os.environ.clear()
        os.environ.update(before)


def _one_line(text: str) -> str:
    return " ".join(text.split())
