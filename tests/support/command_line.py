"""The command line as tests run it, and where the project is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from support import forked

PROJECT = Path(__file__).resolve().parent.parent.parent
SAMPLE = PROJECT / "sample"
FIXTURES = PROJECT / "tests" / "fixtures" / "cloudtrail"

Rows = list[tuple[Any, ...]]
Unprivileged = Callable[[], AbstractContextManager[None]]


class Rolecall:
    """Runs the command line in a folder of its own, with nothing set in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "rolecall.duckdb"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ROLECALL_", "DBT_", "AWS_", "COLUMNS"))
        }

    def run(
        self, *arguments: str | Path, exit_code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``rolecall`` with these arguments and check its exit code."""
        done = forked.run(
            "rolecall",
            *arguments,
            folder=self.folder,
            environment=self.environment | environment,
            seconds=120,
        )
        assert done.returncode == exit_code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def started(self, *arguments: str | Path) -> AbstractContextManager[forked.Process]:
        """Run ``rolecall`` beside the test; it does not outlive it."""
        return forked.started(
            "rolecall", *arguments, folder=self.folder, environment=self.environment
        )

    def refresh(self, logs: Path, *options: str | Path) -> str:
        """Load ``logs`` and return what the command printed."""
        return self.run("refresh", "--logs", logs, *options).stdout

    def dbt(
        self, *arguments: str, database: Path | None = None, exit_code: int = 0, **environment: str
    ) -> str:
        """Run plain dbt on the database, or another one, and return what it printed."""
        parsed = PROJECT / "target" / "partial_parse.msgpack"
        done = forked.run(
            "dbt",
            *arguments,
            *("--project-dir", PROJECT, "--profiles-dir", PROJECT, "--no-use-colors"),
            "--no-write-json",
            *("--target-path", self.folder / "target", "--log-path", self.folder / "log"),
            # The refreshes of other tests have parsed the project.
            *(("--partial-parse-file-path", parsed) if parsed.exists() else ()),
            folder=PROJECT,
            environment=self.environment
            | {"ROLECALL_DATABASE": str(database or self.database)}
            | environment,
            seconds=300,
        )
        assert done.returncode == exit_code, done.stdout
        return done.stdout

    def shell(
        self, command: str, *, seconds: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a line of bash in the folder, whatever its exit code."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @contextmanager
    def held(self) -> Iterator[subprocess.Popen[bytes]]:
        """Let another process hold the database, until its standard input is closed."""
        holding = (
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True);"
            " sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", holding, self.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
            yield holder

    def query(self, sql: str) -> Rows:
        """Return the rows of a query on the database."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def run_script(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of ``tools/`` in the checkout, with nothing set in the environment."""
    return forked.run(
        "-c",
        # As Python does for a program in a file, its folder comes first.
        "import runpy, sys; sys.path.insert(0, 'tools');"
        f" runpy.run_path('tools/{name}', run_name='__main__')",
        *arguments,
        folder=PROJECT,
        environment={
            variable: os.environ[variable]
            for variable in ("PATH", "HOME")
            if variable in os.environ
        },
        seconds=300,
    )


def packed(zip_: Path, *options: str) -> Path:
    """Pack the Lambda function into ``zip_`` and return it."""
    done = run_script("pack_lambda.py", "--output", zip_, *options)
    assert done.returncode == 0, done.stderr
    return zip_
