"""The questions of ``analyses/``, described and compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import rolecall
from rolecall.errors import RolecallError
from rolecall.parameters import Parameter
from rolecall.project.location import PROJECT_FILE, project_dir, state_dir
from rolecall.project.run import failures, run_dbt
from rolecall.settings import Settings


@dataclass(frozen=True, slots=True)
class Analysis:
    """A question in ``analyses/``: what it answers and what it can be given."""

    name: str
    description: str
    parameters: Mapping[str, Parameter]


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


def compiled_analysis(name: str, settings: Settings) -> str:
    """Return the SQL of an analysis for the target, compiled by dbt when it has changed.

    Raises RolecallError if dbt cannot compile it.
    """
    if settings.target == "athena" and reads_the_source(name):
        # What fields a raw table has stands in the catalogue, and may change there.
        from rolecall.aws.glue_catalogue import catalogue_table
        from rolecall.project.days_to_read import days_to_read

        table = catalogue_table(settings.table, settings)
        folder = _compiled([name], settings, table.fingerprint, days_to_read(table))
        return (folder / f"{name}.sql").read_text("utf-8")
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


def _compiled(
    names: list[str], settings: Settings, fingerprint: str = "", days_to_read: str = ""
) -> Path:
    """Return the folder with these analyses compiled.

    ``fingerprint`` and ``days_to_read`` are of the raw table that they depend on, '' if they do
    not.
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
        result = run_dbt(arguments, settings, days_to_read=days_to_read)
        if not result.success:
            raise RolecallError(f"dbt cannot compile the analyses: {failures(result)}")
        with suppress(OSError):  # another process was first
            (Path(draft) / "compiled" / "rolecall" / "analyses").rename(folder)
    return folder


def compiled_text(sql: str, settings: Settings, **options: Any) -> str:
    """Return SQL of the project's own with its Jinja compiled by dbt.

    ``options`` are those of ``run_dbt``. SQL of a user is for ``rolecall.queries.own_sql``.
    """
    arguments = ["compile", "--inline", sql, "--no-populate-cache"]
    if settings.target == "local":
        arguments.append("--no-introspect")
    result = run_dbt(arguments, settings, **options)
    if not result.success:
        raise RolecallError(f"dbt cannot compile the query: {failures(result)}")
    node: Any = result.result.results[0].node
    return str(node.compiled_code)


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
    yield project / PROJECT_FILE
    yield project / "profiles.yml"
    yield project / "models" / "staging" / "_cloudtrail__sources.yml"
    for folder in ("analyses", "macros"):
        yield from sorted(path for path in (project / folder).rglob("*") if path.is_file())
