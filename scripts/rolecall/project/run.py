"""The dbt project: where it is, how it is run, and the compiled SQL of its analyses."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import rolecall
from rolecall.aws.query_errors import fault_of
from rolecall.errors import RolecallError
from rolecall.parameters import Parameter
from rolecall.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

_PROJECT_FILE = "dbt_project.yml"
_REF = re.compile(r"\bref\('(\w+)'\)")
# What the comment of a statement takes the run from.
_RUN = "ROLECALL_RUN"
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
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "dbt_project", package.parent.parent):
        if (folder / _PROJECT_FILE).is_file():
            return folder
    raise RolecallError(f"The dbt project of Rolecall is missing beside {package}: reinstall it.")


def state_dir() -> Path:
    """Return the folder for dbt's artifacts and logs.

    It is what dbt itself takes from DBT_TARGET_PATH, else ``target`` in a checkout, else a cache.
    """
    if named := os.environ.get("DBT_TARGET_PATH"):
        return Path(named).absolute()
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
                    declared.get("required_unless", ""),
                    tuple(declared.get("choices", ())),
                )
                for name, declared in entry["config"]["meta"]["parameters"].items()
            },
        )
        for entry in yaml.safe_load(text)["analyses"]
    }


@cache
def models_read_by(model: str) -> frozenset[str]:
    """Return the models that a model's SQL names, none for what is no model."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in (project_dir() / "models").rglob(f"{model}.sql")
    ]
    return frozenset(_REF.findall("".join(texts)))


@cache
def project_tables() -> frozenset[str]:
    """Return the names of the models."""
    return frozenset(path.stem for path in (project_dir() / "models").rglob("*.sql"))


@cache
def project_variables() -> Mapping[str, Any]:
    """Return the variables of the project, with the values that they have by default."""
    import yaml

    text = (project_dir() / _PROJECT_FILE).read_text(encoding="utf-8")
    variables: dict[str, Any] = yaml.safe_load(text)["vars"]
    return variables


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
    """Return the SQL of an analysis for the target, compiled by dbt when it has changed.

    Raises RolecallError if dbt cannot compile it.
    """
    if settings.target == "athena" and reads_the_source(name):
        # What fields a raw table has stands in the catalogue, and may change there.
        from rolecall.aws.glue_catalogue import catalogue_table

        fingerprint = catalogue_table(settings.table, settings).fingerprint
        return (_compiled([name], settings, fingerprint) / f"{name}.sql").read_text("utf-8")
    return (compile_analyses(settings) / f"{name}.sql").read_text("utf-8")


def compile_analyses(settings: Settings) -> Path:
    """Return the folder with the analyses compiled for the target, made unless it is there.

    On Athena the questions to the raw table are left out. Raises RolecallError if dbt cannot
    compile them.
    """
    names = [
        name for name in analyses() if settings.target == "local" or not reads_the_source(name)
    ]
    return _compiled(names, settings)


def reads_the_source(name: str) -> bool:
    """Return whether an analysis reads the raw logs, and not what is loaded of them."""
    text = (project_dir() / "analyses" / f"{name}.sql").read_text(encoding="utf-8")
    return "source(" in text


def _compiled(names: list[str], settings: Settings, fingerprint: str = "") -> Path:
    """Return the folder with these analyses compiled.

    ``fingerprint`` is of the raw table that they depend on, '' if they do not.
    """
    folder = _compiled_dir(settings, [*names, fingerprint])
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Made in a folder of its own and renamed: a reader never finds half of it.
    with TemporaryDirectory(dir=folder.parent) as draft:
        # By their files: a table may have the name of the question to it.
        paths = [f"path:analyses/{name}.sql" for name in names]
        arguments = ["compile", "--select", *paths, "--no-populate-cache", "--target-path", draft]
        if not fingerprint:
            arguments.append("--no-introspect")
        parsed = state_dir() / "partial_parse.msgpack"
        if parsed.is_file():
            arguments += ["--partial-parse-file-path", str(parsed)]
        result = run_dbt(arguments, settings)
        if not result.success:
            raise RolecallError(f"dbt cannot compile the analyses: {failures(result)}")
        with suppress(OSError):  # another process was first
            (Path(draft) / "compiled" / "rolecall" / "analyses").rename(folder)
    return folder


def compiled_text(sql: str, settings: Settings, **options: Any) -> str:
    """Return SQL of the project's own with its Jinja compiled by dbt.

    ``options`` are those of ``run_dbt``. SQL of a user is for ``rolecall.own_sql``.
    """
    arguments = ["compile", "--inline", sql, "--no-populate-cache"]
    if settings.target == "local":
        arguments.append("--no-introspect")
    result = run_dbt(arguments, settings, **options)
    if not result.success:
        raise RolecallError(f"dbt cannot compile the query: {failures(result)}")
    node: Any = result.result.results[0].node
    return str(node.compiled_code)


def run_dbt(
    arguments: list[str],
    settings: Settings,
    *,
    load_from: date | None = None,
    skip_log_files: Mapping[str, str] | None = None,
    archived_logs: Sequence[Mapping[str, object]] = (),
    archived_days_left_out: Sequence[Sequence[str]] = (),
    empty_days: Sequence[Mapping[str, object]] = (),
) -> dbtRunnerResult:
    """Run a dbt command in this process, on the project and target of ``settings``.

    On Athena the load begins no earlier than ``load_from`` and leaves out ``skip_log_files``, each
    an S3 URL with what is wrong with it, and ``archived_days_left_out``; ``archived_logs`` and
    ``empty_days`` are entered (all as dbt_project.yml has them). dbt prints nothing; its log is in
    ``state_dir()``. The database is closed afterwards. An interrupt and SIGTERM come through as
    KeyboardInterrupt and SystemExit.
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
        told = athena_variables(settings)
        if skip_log_files:
            told["skip_log_files"] = dict(skip_log_files)
        if archived_logs:
            told["archived_logs"] = list(archived_logs)
        if archived_days_left_out:
            told["archived_days_left_out"] = list(archived_days_left_out)
        if empty_days:
            told["empty_days"] = list(empty_days)
        options["--vars"] = json.dumps(told)
    flat = [str(part) for option in options.items() for part in option]
    with _environment(settings, load_from), _termination_as_interrupt():
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


def athena_variables(settings: Settings) -> dict[str, object]:
    """Return what the models are told by variables: which table to read, and from which day."""
    schema, _, table = settings.table.partition(".")
    told: dict[str, object] = {"cloudtrail_schema": schema, "cloudtrail_table": table}
    if settings.partitions is not None:
        told["cloudtrail_partitions"] = settings.partitions
    if settings.first_delivered_date is not None:
        told["first_delivered_date"] = settings.first_delivered_date
    if settings.slice_days is not None:
        told["slice_days"] = settings.slice_days
    return told


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM reach dbt as an interrupt, on which it stops the queries that it started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    was_terminated = False

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal was_terminated
        was_terminated = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if was_terminated:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _compiled_dir(settings: Settings, contents: list[str]) -> Path:
    digest = hashlib.sha256(f"{rolecall.__version__} {settings.target} {contents}".encode())
    if settings.target == "athena":
        digest.update(f"{settings.schema_name} {settings.table}".encode())
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
        yield from sorted(path for path in (project / folder).rglob("*") if path.is_file())


@contextmanager
def _environment(settings: Settings, load_from: date | None = None) -> Iterator[None]:
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
    # No variable: another value of one makes dbt parse the whole project anew.
    os.environ["ROLECALL_LOAD_FROM"] = "" if load_from is None else load_from.isoformat()
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
