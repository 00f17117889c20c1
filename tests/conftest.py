"""What the tests share: a command line to run, databases made once, log files to write."""

from __future__ import annotations

import gzip
import json
import os
import random
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from local_athena.account import Account
from local_athena.engine import running, trino_folder
from rolecall.aws.clients import aws_in
from support.command_line import SAMPLE, Rolecall, Unprivileged
from support.compiled_models import Model, compiled_models
from support.logs import WriteLog
from support.scheduler import EngineFilesFirst

_NOBODY = 65534
_REQUIRE_ATHENA = bool(os.environ.get("ROLECALL_REQUIRE_ATHENA"))

# The same few examples each time; `make soak` looks for others, for longer.
# A machine that is busy is not a reason to fail.
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


@pytest.fixture(autouse=True)
def own_clients_of_aws() -> Iterator[None]:
    """Let no test have a client of AWS that an earlier one's environment made."""
    yield
    aws_in.cache_clear()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> EngineFilesFirst:
    """Return what deals the tests out."""
    return EngineFilesFirst(config, log)


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


@pytest.fixture
def unprivileged() -> Unprivileged:
    """Return a context in which the test is not a superuser, for whom no file is closed."""

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
