"""Runs Python programs in forks of a process that has imported dbt and parsed with it already.

To import dbt takes two CPU seconds, its Athena adapter one more, and what dbt makes when it first
parses a third: hundreds of runs would each spend them anew. A fork is a process of its own all the
same: its folder, its environment, its output and its end are those of the program alone, and
nothing of Rolecall is imported before it, but for what botocore reads.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from typing import Any, NoReturn

# Those of others that take time: dbt with its adapters, and what these import when first used.
_IMPORTED = (
    *("boto3", "dbt.cli.main", "dbt.adapters.athena", "dbt.adapters.duckdb", "pyarrow.parquet"),
    *("pydantic_settings", "rich.console", "rich.tree"),
)
# Services that a run asks, by botocore's names.
_SERVICES = ("athena", "glue", "s3", "sts", "lakeformation")
_START_SECONDS = 60


def run(
    program: str,
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
) -> subprocess.CompletedProcess[str]:
    """Run a program of the packages, by the name of its script, to its end.

    It runs in ``folder`` and has no environment but this one. Only on Linux it is safe to fork what
    has imported so much.

    Raises TimeoutExpired after ``seconds``.
    """
    command = [program, *map(str, arguments)]
    if sys.platform != "linux" or _is_of_another_python(environment):
        return subprocess.run(
            [Path(sys.executable).parent / program, *command[1:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    with tempfile.TemporaryDirectory() as name:
        printed, complained = Path(name, "stdout"), Path(name, "stderr")
        code = _ask(
            {
                "command": command,
                "folder": str(folder),
                "environment": dict(environment),
                "seconds": seconds,
                "outputs": [str(printed), str(complained)],
            }
        )
        if code is None:
            raise subprocess.TimeoutExpired(command, seconds)
        return subprocess.CompletedProcess(
            command, code, printed.read_text("utf-8"), complained.read_text("utf-8")
        )


def _is_of_another_python(environment: Mapping[str, str]) -> bool:
    """Return whether something differs that Python reads when it starts."""
    there, here = (
        {name: value for name, value in variables.items() if name.startswith("PYTHON")}
        for variables in (environment, os.environ)
    )
    return there != here


def _ask(order: dict[str, Any]) -> int | None:
    """Return the exit code of a program, the negative signal if one ended it, None if it hung."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(_address())
        connection.sendall(json.dumps(order).encode() + b"\n")
        with connection.makefile("rb") as answer:
            code: int | None = json.loads(answer.readline())
            return code


@cache
def _address() -> str:
    """Start the process that is forked, which ends with this one, and return its address."""
    folder = tempfile.TemporaryDirectory()
    address = f"{folder.name}/forks"
    process = subprocess.Popen(
        [sys.executable, "-m", "forked", address],
        cwd=Path(__file__).resolve().parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        with process:
            pass
        folder.cleanup()

    atexit.register(end)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    assert ready and process.stdout.readline(), "The process to fork did not start."
    return address


class _Server(ForkingMixIn, UnixStreamServer):
    """Takes one order a connection, each in a fork."""

    def service_actions(self) -> None:
        """End when nobody is there any more to give orders."""
        super().service_actions()
        if select.select([sys.stdin], [], [], 0)[0]:
            os._exit(0)


class _Order(StreamRequestHandler):
    def handle(self) -> None:
        """Run a program in a fork of this fork, and answer with its exit code."""
        order = json.loads(self.rfile.readline())
        process = os.fork()
        if process == 0:
            _become(order)
        end = os.pidfd_open(process)
        in_time, _, _ = select.select([end], [], [], order["seconds"])
        if not in_time:
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status) if in_time else None
        self.wfile.write(json.dumps(code).encode() + b"\n")


def _become(order: dict[str, Any]) -> NoReturn:
    """Run the program of an order as if this process had been started for it."""
    for number, path in enumerate([os.devnull, *order["outputs"]]):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    tempfile.tempdir = None
    sys.path[0] = str(Path(sys.executable).parent)
    sys.argv = order["command"]
    (script,) = entry_points(group="console_scripts", name=sys.argv[0])
    code = 1
    try:
        code = _exit_code(script.load()())
    except SystemExit as exit_:
        code = _exit_code(exit_.code)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(code)


def _exit_code(told: object) -> int:
    """Return what Python makes of the argument of sys.exit."""
    if told is None or isinstance(told, int):
        return (told or 0) & 0xFF
    print(told, file=sys.stderr)
    return 1


def _serve(address: str) -> None:
    for module in _IMPORTED:
        importlib.import_module(module)
    _warm_up_dbt()
    _warm_up_botocore()
    # Pages that are collected are copied.
    gc.collect()
    gc.freeze()
    with _Server(address, _Order) as server:
        print("ready", flush=True)
        server.serve_forever()


def _warm_up_dbt() -> None:
    """Let dbt write the code that reads and checks each kind of node: a second for each run.

    Parses twice, as the second time reads what the first has written. A project that cannot be
    parsed is the runs' to tell. The static parser starts threads, which no fork would have.
    """
    from dbt.cli.main import dbtRunner

    project = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        command = ["parse", "--target", "local", "--no-static-parser", "--no-write-json"]
        command += ["--project-dir", str(project), "--profiles-dir", str(project)]
        command += ["--target-path", folder, "--log-path", folder]
        command += ["--log-level", "none", "--log-level-file", "none"]
        for _ in range(2):
            dbtRunner().invoke(command)


def _warm_up_botocore() -> None:
    import botocore.session

    from rolecall.service_files import read_service_files_once

    read_service_files_once()
    session = botocore.session.Session()
    for service in _SERVICES:
        session.create_client(
            service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-"
        )


if __name__ == "__main__":
    _serve(sys.argv[1])
