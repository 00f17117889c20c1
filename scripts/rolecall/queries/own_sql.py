"""SQL of the user's own: its Jinja knows the project's tables and variables, and nothing else.

dbt's Jinja is not for it: that has the environment, the adapter and files at hand.
"""

from __future__ import annotations

from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rolecall.errors import RolecallError
from rolecall.local.database import NAME
from rolecall.project.location import project_tables, project_variables
from rolecall.project.run import table_variables
from rolecall.settings import Settings

_SOURCE = ("cloudtrail", "cloudtrail_logs")
_PROJECT = "rolecall"


class _CannotCompileError(Exception):
    """What the Jinja of a query asks for that there is not."""


def rendered(sql: str, settings: Settings) -> str:
    """Return SQL of the user's own with its Jinja rendered; plain SQL as it is.

    As in dbt there are ``ref``, ``source``, ``var`` and of ``target`` its name, type and schema,
    beside what Jinja itself has.
    Raises RolecallError.
    """
    if "{{" not in sql and "{%" not in sql:
        return sql
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.pop("lipsum")
    environment.globals.update(_known(settings))
    try:
        return environment.from_string(sql).render()
    except Exception as error:  # expressions of the user's own may raise anything
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise RolecallError(
            f"Jinja cannot compile the query: {reason.splitlines()[0]}; it knows ref, source, var"
            " and target."
        ) from None


def _known(settings: Settings) -> dict[str, Any]:
    is_local = settings.target == "local"
    schema = "main" if is_local else settings.schema_name
    variables = dict(project_variables())
    if not is_local:
        variables |= table_variables(settings) | _load_variables(settings)

    def ref(*names: str) -> str:
        *package, table = names
        if table not in project_tables() or package not in ([], [_PROJECT]):
            raise _CannotCompileError(f"there is no model {'.'.join(map(str, names))!r}")
        return _relation(NAME if is_local else "awsdatacatalog", schema, table)

    def source(*names: str) -> str:
        if names != _SOURCE:
            raise _CannotCompileError(
                f"there is no source {'.'.join(map(str, names))!r}, but {'.'.join(_SOURCE)!r}"
            )
        if is_local:
            return _relation("logs", "main", "cloudtrail_logs")
        database, _, table = settings.table.partition(".")
        return _relation("awsdatacatalog", database, table)

    def var(name: str, default: Any = None) -> Any:
        if name not in variables and default is None:
            raise _CannotCompileError(f"there is no variable {name!r}")
        return variables.get(name, default)

    return {
        "ref": ref,
        "source": source,
        "var": var,
        "target": {
            "name": settings.target,
            "type": "duckdb" if is_local else "athena",
            "schema": schema,
        },
    }


def _load_variables(settings: Settings) -> dict[str, object]:
    """Return the variables by which dbt alone chooses days, as far as they are set."""
    set_ = {
        "first_delivered_date": settings.first_delivered_date,
        "slice_days": settings.slice_days,
    }
    return {name: value for name, value in set_.items() if value is not None}


def _relation(*names: str) -> str:
    return ".".join(f'"{name}"' for name in names)
