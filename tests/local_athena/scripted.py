"""An engine for tests of the API and its clients: it runs no SQL, but says what a test scripts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from local_athena.server import Athena, Server, WorkGroup
from local_athena.statements import Statement, parse
from local_athena.warehouse import CancelledError, Outcome, Request, ResultColumn

_STOP_SECONDS = 60

Script = Callable[[Statement, Request], Outcome]


class ScriptedEngine:
    """Checks statements as Athena does, and runs ``script`` in their place."""

    def __init__(self) -> None:
        self.script: Script = lambda statement, request: table(["n"], [["1"]], ["integer"])
        self.started = threading.Event()

    def check(self, sql: str) -> Statement:
        """Return what a statement says. Raises InvalidStatementError."""
        return parse(sql)

    def run(self, statement: Statement, request: Request) -> Outcome:
        """Return what the script says."""
        self.started.set()
        return self.script(statement, request)


class Service:
    """A running Athena on a scripted engine; ``stored`` has the results by their place in S3."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine()
        self.stored: dict[str, bytes] = {}
        results = "s3://results/athena/"
        self.athena = Athena(
            self.engine,
            [
                WorkGroup("primary"),
                WorkGroup("rolecall", results),
                WorkGroup("enforced", results, is_enforced=True, scan_limit=10_000_000),
            ],
            store=self.stored.__setitem__,
        )
        self.server = Server(self.athena)

    @property
    def operations(self) -> list[str]:
        """What was asked, oldest first."""
        return [operation for operation, _ in self.athena.requests]

    @property
    def states(self) -> list[str]:
        """The state of every execution, oldest first."""
        return [execution.state for execution in self.athena.executions.values()]


@contextmanager
def serving() -> Iterator[Service]:
    """Run an Athena on a scripted engine."""
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.athena.capacity.set()
        service.server.shutdown()
        service.server.server_close()
        thread.join()


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    types: Sequence[str] | None = None,
    scanned_bytes: int = 0,
) -> Outcome:
    """Return a table; without ``types`` all its columns are texts."""
    types = types or ["varchar"] * len(columns)
    named = [ResultColumn(name, type_) for name, type_ in zip(columns, types, strict=True)]
    return Outcome(named, [list(row) for row in rows], scanned_bytes=scanned_bytes)


def until_stopped(statement: Statement, request: Request) -> Outcome:
    """Run until somebody stops the query."""
    pause = threading.Event()
    for _ in range(_STOP_SECONDS * 100):
        if request.is_cancelled():
            raise CancelledError
        pause.wait(0.01)
    raise AssertionError("Nobody stopped the query.")
