"""Where the dbt project lies, and what its files say."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import rolecall
from rolecall.errors import RolecallError

PROJECT_FILE = "dbt_project.yml"
_REF = re.compile(r"\bref\('(\w+)'\)")


@cache
def project_dir() -> Path:
    """Return the folder of the dbt project: the one in the wheel, else the checkout's."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "dbt_project", package.parent.parent):
        if (folder / PROJECT_FILE).is_file():
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
def models_read_by(model: str) -> frozenset[str]:
    """Return the models that a model's SQL names, none if it is not a model."""
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

    text = (project_dir() / PROJECT_FILE).read_text(encoding="utf-8")
    variables: dict[str, Any] = yaml.safe_load(text)["vars"]
    return variables


@cache
def project_digest() -> str:
    """Return a digest of all that the models' answers depend on, but for the logs."""
    digest = hashlib.sha256(rolecall.__version__.encode())
    project = project_dir()
    files = [project / PROJECT_FILE]
    for folder in ("macros", "models", "seeds"):
        files += sorted(path for path in (project / folder).rglob("*") if path.is_file())
    for file in files:
        digest.update(file.relative_to(project).as_posix().encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()
