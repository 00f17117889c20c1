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
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from typing import IO, Any, NoReturn, Protocol

# Those of others that take time: dbt with its adapters, and what these import when first used.
_IMPORTED = (
    *("boto3", "dbt.cli.main", "dbt.adapters.athena", "dbt.adapters.duckdb", "pyarrow.parquet"),
    *("pydantic_settings", "rich.console", "rich.tree"),
)
# Services that a run asks, by botocore's names.
_SERVICES = ("athena", "glue", "s3", "sts", "lakeformation")
_START_SECONDS = 300
_SCRIPTS = Path(sys.executable).parent


class Process(Protocol):
    """A program that runs, as ``subprocess.Popen`` has it."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, the negative signal if one ended it; None before ``poll`` or ``wait``."""

    @property
    def stderr(self) -> IO[str] | None:
        """Where what it complains of can be read, and how far it is."""

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code when it has ended. Raises TimeoutExpired after so many seconds."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""

    def communicate(self, *, timeout: float | None = None) -> tuple[str, str]:
        """Return what it has printed and complained of when it has ended."""


def run(
    program: str,
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
) -> subprocess.CompletedProcess[str]:
    """Run a program of the packages, by the name of its script, to its end.

    It runs in ``folder`` and has no environment but this one. Raises TimeoutExpired after
    ``seconds``.
    """
    with started(program, *arguments, folder=folder, environment=environment) as process:
        printed, complained = process.communicate(timeout=seconds)
        assert process.returncode is not None
        return subprocess.CompletedProcess(
            [program, *map(str, arguments)], process.returncode, printed, complained
        )


@contextmanager
def started(
    program: str, *arguments: str | Path, folder: Path, environment: Mapping[str, str]
) -> Iterator[Process]:
    """Run a program of the packages, or code of Python after ``-c``, and kill it at the end.

    Only on Linux it is safe to fork what has imported so much.
    """
    process: _Fork | subprocess.Popen[str]
    if sys.platform != "linux" or _is_of_another_python(environment):
        script = [sys.executable, "-c"] if program == "-c" else [str(_SCRIPTS / program)]
        process = subprocess.Popen(
            [*script, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    else:
        process = _Fork([program, *map(str, arguments)], folder, environment)
    with process:
        try:
            yield process
        finally:
            process.kill()


def _is_of_another_python(environment: Mapping[str, str]) -> bool:
    """Return whether something differs that Python reads when it starts."""
    there, here = (
        {name: value for name, value in variables.items() if name.startswith("PYTHON")}
        for variables in (environment, os.environ)
    )
    return there != here


class _Fork:
    """A program in a fork; its output is read line by line, or as a whole at its end."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.command = command
        self.returncode: int | None = None
        outputs = [os.pipe() for _ in range(2)]
        self.stdout, self.stderr = (os.fdopen(end, encoding="utf-8") for end, _ in outputs)
        ends = [end for _, end in outputs]
        order = {"command": command, "folder": str(folder), "environment": dict(environment)}
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(_address())
        self._answers = self._connection.makefile("rb")
        socket.send_fds(self._connection, [b"-"], ends)
        self._connection.sendall(json.dumps(order).encode() + b"\n")
        for end in ends:
            os.close(end)
        self.pid = int(self._answers.readline())

    def __enter__(self) -> _Fork:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        for opened in (self.stdout, self.stderr, self._answers, self._connection):
            opened.close()

    def poll(self) -> int | None:
        """Return the exit code if the program has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when the program has ended."""
        if self.returncode is None:
            ready, _, _ = select.select([self._connection], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(self.command, timeout or 0)
            self.returncode = int(self._answers.readline())
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send the program a signal, unless it has ended: its number may be another's then."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """End the program at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, *, timeout: float | None = None) -> tuple[str, str]:
        """Return what the program has printed and complained of when it has ended.

        Ends it, and raises TimeoutExpired, after so many seconds.
        """
        with ThreadPoolExecutor() as pool:
            printed, complained = pool.submit(self.stdout.read), pool.submit(self.stderr.read)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            return printed.result(), complained.result()


@cache
def _address() -> str:
    """Start the process that is forked, which ends with this one, and return its address."""
    folder = tempfile.TemporaryDirectory()
    address = f"{folder.name}/forks"
    process = subprocess.Popen(
        [sys.executable, "-m", "support.forked", address],
        cwd=Path(__file__).resolve().parent.parent,
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
        """Run a program in a fork of this fork; answer with its number, then its exit code."""
        _, outputs, _, _ = socket.recv_fds(self.request, 1, 2)
        order = json.loads(self.rfile.readline())
        process = os.fork()
        if process == 0:
            _become(order, outputs)
        for output in outputs:
            os.close(output)
        self._answer(process)
        end = os.pidfd_open(process)
        # Who gave the order has gone if there is something to read.
        ended, _, _ = select.select([end, self.request], [], [])
        if end not in ended:
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        with suppress(BrokenPipeError):
            self._answer(os.waitstatus_to_exitcode(status))

    def _answer(self, number: int) -> None:
        self.wfile.write(b"%d\n" % number)


def _become(order: dict[str, Any], outputs: list[int]) -> NoReturn:
    """Run the program of an order as if this process had been started for it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, opened in enumerate([nothing, *outputs]):
        os.dup2(opened, number)
        os.close(opened)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    tempfile.tempdir = None
    # A twentieth of a run, for memory that goes with the process.
    gc.disable()
    program, *arguments = order["command"]
    code = 1
    try:
        if program == "-c":
            sys.path[0], sys.argv = "", [program, *arguments[1:]]
            exec(compile(arguments[0], "<string>", "exec"), {"__name__": "__main__"})
            code = 0
        else:
            sys.path[0], sys.argv = str(_SCRIPTS), [program, *arguments]
            (script,) = entry_points(group="console_scripts", name=program)
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

    project = Path(__file__).resolve().parent.parent.parent
    with tempfile.TemporaryDirectory() as folder:
        command = ["parse", "--target", "local", "--no-static-parser", "--no-write-json"]
        command += ["--project-dir", str(project), "--profiles-dir", str(project)]
        command += ["--target-path", folder, "--log-path", folder]
        command += ["--log-level", "none", "--log-level-file", "none"]
        for _ in range(2):
            dbtRunner().invoke(command)


def _warm_up_botocore() -> None:
    import botocore.session

    from rolecall.aws.botocore_cache import read_service_files_once

    read_service_files_once()
    session = botocore.session.Session()
    for service in _SERVICES:
        session.create_client(
            service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-"
        )


if __name__ == "__main__":
    _serve(sys.argv[1])
