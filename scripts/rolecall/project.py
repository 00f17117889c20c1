"""The dbt project: where it is, how it is run, and the compiled SQL of its analyses."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import rolecall
from rolecall.errors import RolecallError
from rolecall.parameters import Parameter
from rolecall.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

_PROJECT_FILE = "dbt_project.yml"
# Artifacts that nothing reads cost a second.
_LEAN = ("--no-version-check", "--no-write-json")


@dataclass(frozen=True, slots=True)
class Analysis:
    """A question in ``analyses/``: what it answers and what it can be given."""

    name: str
    description: str
    parameters: Mapping[str, Parameter]


@cache
def project_dir() -> Path:
    """Return the folder of the dbt project: the one in the wheel, else the checkout's."""
    package = Path(__file__).resolve().parent
    for folder in (package / "dbt_project", package.parent.parent):
        if (folder / _PROJECT_FILE).is_file():
            return folder
    raise RolecallError(f"The dbt project of Rolecall is missing beside {package}: reinstall it.")


def state_dir() -> Path:
    """Return the folder for dbt's artifacts and logs: ``target`` in a checkout, else a cache."""
    if project_dir().name != "dbt_project":
        return project_dir() / "target"
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "rolecall" / rolecall.__version__


@cache
def analyses() -> Mapping[str, Analysis]:
    """Return the questions of ``analyses/`` by name, as ``_analyses.yml`` describes them."""
    import yaml

    text = (project_dir() / "analyses" / "_analyses.yml").read_text(encoding="utf-8")
    return {
        entry["name"]: Analysis(
            entry["name"],
            " ".join(entry["description"].split()),
            {
                name: Parameter(
                    name,
                    declared["kind"],
                    " ".join(declared["description"].split()),
                    declared.get("required", False),
                )
                for name, declared in entry["config"]["meta"]["parameters"].items()
            },
        )
        for entry in yaml.safe_load(text)["analyses"]
    }


@cache
def project_digest() -> str:
    """Return a digest of all that the models' answers depend on, but for the logs."""
    digest = hashlib.sha256(rolecall.__version__.encode())
    project = project_dir()
    files = [project / _PROJECT_FILE]
    for folder in ("macros", "models", "seeds"):
        files += sorted(path for path in (project / folder).rglob("*") if path.is_file())
    for file in files:
        digest.update(file.relative_to(project).as_posix().encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def compiled_analysis(name: str, settings: Settings) -> str:
    """Return the SQL of an analysis for the target, compiled by dbt when it has changed."""
    file = _compiled_dir(settings) / f"{name}.sql"
    if not file.is_file():
        compile_analyses(settings)
    return file.read_text(encoding="utf-8")


def compile_analyses(settings: Settings) -> None:
    """Let dbt compile all analyses for the target, unless that has been done for this project.

    Raises RolecallError if dbt cannot compile them.
    """
    folder = _compiled_dir(settings)
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Made in a folder of its own and renamed: a reader never finds half of it.
    with TemporaryDirectory(dir=folder.parent) as draft:
        arguments = ["compile", "--select", "path:analyses", "--no-introspect"]
        arguments += ["--no-populate-cache", "--target-path", draft]
        parsed = state_dir() / "partial_parse.msgpack"
        if parsed.is_file():
            arguments += ["--partial-parse-file-path", str(parsed)]
        result = run_dbt(arguments, settings)
        if not result.success:
            raise RolecallError(f"dbt cannot compile the analyses: {failures(result)}")
        with suppress(OSError):  # another process was first
            (Path(draft) / "compiled" / "rolecall" / "analyses").rename(folder)


def compiled_text(sql: str, settings: Settings) -> str:
    """Return SQL of the user's own with its Jinja compiled by dbt; plain SQL as it is."""
    if "{{" not in sql and "{%" not in sql:
        return sql
    result = run_dbt(["compile", "--inline", sql, "--no-introspect"], settings)
    if not result.success:
        raise RolecallError(f"dbt cannot compile the query: {failures(result)}")
    node: Any = result.result.results[0].node
    return str(node.compiled_code)


def run_dbt(arguments: list[str], settings: Settings) -> dbtRunnerResult:
    """Run a dbt command in this process, on the project and target of ``settings``.

    dbt prints nothing; its log is in ``state_dir()``. The database is closed afterwards. An
    interrupt and SIGTERM come through as KeyboardInterrupt and SystemExit.
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
    flat = [str(part) for option in options.items() for part in option]
    with _environment(settings):
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


def failures(result: dbtRunnerResult) -> str:
    """Return what went wrong in a run of dbt, in one line."""
    if result.exception is not None:
        return _one_line(str(result.exception))
    failed = [
        f"{node_result.node.name}: {_one_line(node_result.message or node_result.status)}"
        for node_result in getattr(result.result, "results", [])
        if node_result.status in ("error", "fail", "runtime error", "partial success")
    ]
    return "; ".join(failed) or "see the log of dbt"


def _compiled_dir(settings: Settings) -> Path:
    digest = hashlib.sha256(f"{rolecall.__version__} {settings.target}".encode())
    for file in _files_that_matter():
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return state_dir() / "analyses" / f"{settings.target}-{digest.hexdigest()[:16]}"


def _files_that_matter() -> Iterator[Path]:
    """Yield every file that the compiled SQL of an analysis depends on."""
    project = project_dir()
    yield project / _PROJECT_FILE
    yield project / "profiles.yml"
    yield project / "models" / "staging" / "_cloudtrail__sources.yml"
    for folder in ("analyses", "macros"):
        yield from sorted((project / folder).iterdir())


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """Set what ``profiles.yml`` reads from the environment, for the time of a run."""
    before = dict(os.environ)
    os.environ["ROLECALL_DATABASE"] = str(settings.database.absolute())
    os.environ["ROLECALL_LOGS"] = "" if settings.logs is None else str(settings.logs.absolute())
    os.environ["ROLECALL_ADD_LOGS"] = "1" if settings.add_logs else ""
    os.environ["ROLECALL_AUDIT"] = "1" if settings.audit else ""
    path_before = list(sys.path)
    folder_before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(folder_before)
        sys.path[:] = path_before
        os.environ.clear()
        os.environ.update(before)


def _one_line(text: str) -> str:
    return " ".join(text.split())
