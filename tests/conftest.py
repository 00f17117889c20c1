"""What the tests share: a command line to run, databases made once, log files to write."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

import forked
from athena.account import Account
from athena.engine import running, trino_folder
from compiled_models import Model, compiled_models

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "sample"
FIXTURES = PROJECT / "tests" / "fixtures" / "cloudtrail"

sys.path.insert(0, str(PROJECT / "scripts"))

Rows = list[tuple[Any, ...]]

_NOBODY = 65534
# Workers that begin with files on the engine, and those of these that take longest.
_ON_ENGINE = 2
_LONGEST = ("test_athena_faults.py", "test_athena_slices.py")
_REQUIRE_ATHENA = bool(os.environ.get("ROLECALL_REQUIRE_ATHENA"))

# The same few examples each time; `make soak` looks for others, for longer.
# A machine that is busy is no reason to fail.
_PATIENT: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=10, derandomize=True, **_PATIENT)
settings.register_profile("soak", max_examples=200, **_PATIENT)
settings.load_profile("quick")


_RANDOM_SEEDS = pytest.StashKey[list[int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the number of random seeds for the simulator, which `make soak` sets."""
    parser.addoption("--random-seeds", type=int, default=0, help="more seeds for the simulator")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the random seeds; they stand in the names of the tests."""
    count = config.getoption("--random-seeds")
    config.stash[_RANDOM_SEEDS] = [random.randrange(2**32) for _ in range(count)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests of the simulator its seeds, the fixed ones of their module and the random ones."""
    if "seed" in metafunc.fixturenames:
        seeds = [*metafunc.module.SEEDS, *metafunc.config.stash[_RANDOM_SEEDS]]
        metafunc.parametrize("seed", seeds, scope="module")


class _EngineFilesFirst(LoadScopeScheduling):  # type: ignore[misc]
    """Deals tests out one by one, but files that make something for all their tests whole.

    Two workers begin with those of the group ``athena``, the long ones first, which wait for the
    engine much of their time, and any others with what computes. xdist's own `loadgroup` renames
    tests, which pytest 9 does not let it.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _is_whole(file) else nodeid

    def _assign_work_unit(self, node: Any) -> None:
        begins_with_engine = node in self.nodes[:_ON_ENGINE]

        def place(scope: str) -> tuple[bool, bool, bool]:
            file = scope.partition("::")[0]
            is_first = _is_on_engine(file) is begins_with_engine
            return not is_first, Path(file).name not in _LONGEST, file != scope

        self.workqueue.move_to_end(min(self.workqueue, key=place), last=False)
        super()._assign_work_unit(node)


@cache
def _is_on_engine(file: str) -> bool:
    return 'xdist_group("athena")' in _code(file)


@cache
def _is_whole(file: str) -> bool:
    return _is_on_engine(file) or 'scope="module"' in _code(file)


def _code(file: str) -> str:
    return (PROJECT / file).read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _EngineFilesFirst:
    """Return what deals the tests out."""
    return _EngineFilesFirst(config, log)


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
    """Run a program of ``scripts/`` in the checkout, with nothing set in the environment."""
    return forked.run(
        "-c",
        f"import runpy; runpy.run_path('scripts/{name}', run_name='__main__')",
        *arguments,
        folder=PROJECT,
        environment={
            variable: os.environ[variable]
            for variable in ("PATH", "HOME")
            if variable in os.environ
        },
        seconds=300,
    )


@pytest.fixture
def rolecall(tmp_path: Path) -> Rolecall:
    """Return a command line with a database that is not there yet."""
    return Rolecall(tmp_path)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a command line with the sample loaded; tests must leave it as it is."""
    loaded = Rolecall(tmp_path_factory.mktemp("sample"))
    loaded.refresh(SAMPLE)
    return loaded


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Return the models' SQL for DuckDB, compiled by dbt."""
    return compiled_models(tmp_path_factory.mktemp("compiled"))


WriteLog = Callable[..., Path]


@pytest.fixture
def write_log(tmp_path: Path) -> WriteLog:
    """Return a function that writes a log file below ``logs/`` and returns the folder."""

    def write(
        records: Iterable[Any] = (),
        name: str = "111122223333_CloudTrail_us-east-1_20260301T0005Z_a1B2c3D4e5F6g7H8.json.gz",
        day: str = "2026/03/01",
        account: str = "111122223333",
        region: str = "us-east-1",
        body: bytes | None = None,
    ) -> Path:
        logs = tmp_path / "logs"
        folder = logs / "AWSLogs" / account / "CloudTrail" / region / day
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"Records": list(records)}).encode()
        (folder / name).write_bytes(gzip.compress(text, mtime=0) if body is None else body)
        return logs

    return write


def log_key(
    account: str,
    region: str,
    day: str,
    name: str = "a1B2c3D4e5F6g7H8",
    *,
    logs: str = "AWSLogs/o-a1b2c3d4e5/",
    minute: str = "0005",
) -> str:
    """Return where CloudTrail delivers a log file on a day such as 2026/03/01."""
    return (
        f"{logs}{account}/CloudTrail/{region}/{day}/"
        f"{account}_CloudTrail_{region}_{day.replace('/', '')}T{minute}Z_{name}.json.gz"
    )


def event(number: int, **members: Any) -> dict[str, Any]:
    """Return a record with an id of its own."""
    return {
        "eventVersion": "1.11",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventTime": "2026-03-01T00:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
    } | members


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Account]:
    """Return an AWS account on a local Athena that runs as long as the tests do.

    The workers share it, but for the statements that Athena knows.
    """
    if not trino_folder().is_dir():
        word = "Trino is not there: `make test-athena` fetches it and needs Maven."
        if _REQUIRE_ATHENA:
            pytest.fail(word)
        pytest.skip(word)
    session = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        session = session.parent
    with running(session / "engine") as addresses:
        yield Account(addresses)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user of the machine may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        for path in Path(folder).iterdir():
            path.chmod(0o700)


Unprivileged = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def unprivileged() -> Unprivileged:
    """Return a context in which the test is no superuser, for whom no file is closed."""

    @contextmanager
    def context() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return context


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away what a developer may have set."""
    for name in list(os.environ):
        if name.startswith(("ROLECALL_", "DBT_", "AWS_", "COLUMNS")):
            monkeypatch.delenv(name)
    yield
