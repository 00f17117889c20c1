"""The folders of logs that a database was loaded from, and those to load from now."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from rolecall.errors import RolecallError
from rolecall.local.database import NAME
from rolecall.local.log_files import LOG_SUFFIXES, find_log_files, kinds_text, path_of, printable

_PACKED = ".gz"


class LogSourceError(RolecallError):
    """The logs cannot be read at all."""


class LogFoldersGoneError(LogSourceError):
    """None of the folders that the database remembers is there any more."""


class NoLogsError(LogSourceError):
    """There are folders to read, and no log file in any."""

    def __init__(self, roots: Sequence[Path], passed_over: Counter[str]) -> None:
        names = " and ".join(map(str, roots))
        if len(roots) == 1 and roots[0].is_file():
            subject = f"The file {names} is not a"
        else:
            subject = f"The log folder {names} has no" if len(roots) == 1 else f"{names} have no"
        suffixes = ", ".join(LOG_SUFFIXES)
        super().__init__(
            f"{subject} CloudTrail log: looked for files with the suffix {suffixes} (or one of"
            f" these and {_PACKED}) and for others that hold CloudTrail's records, and found"
            f" {kinds_text(passed_over) or 'no file at all'}; name a folder at or above AWSLogs/"
            " or one of such files, archives unpacked."
        )


def known_log_roots(ledger: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the folders, or single files, from which the database was loaded so far, printable.

    ``path_of`` leads back to their paths.
    """
    roots = rows_if_any(ledger, f"select distinct log_root from {NAME}.main.log_reads")
    return sorted({root for (root,) in roots if root is not None} | _remembered_log_roots(ledger))


def remember_log_roots(connection: duckdb.DuckDBPyConnection, roots: Sequence[Path]) -> None:
    """Enter folders: one may give no file of its own, and ``log_reads`` may get lost."""
    known = _remembered_log_roots(connection)
    for root in {printable(os.path.abspath(root)) for root in roots}.difference(known):
        connection.execute(
            f"create table if not exists {NAME}.main.rolecall_log_roots (log_root varchar)"
        )
        connection.execute(f"insert into {NAME}.main.rolecall_log_roots values (?)", [root])


def _remembered_log_roots(ledger: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        root
        for (root,) in rows_if_any(ledger, f"select log_root from {NAME}.main.rolecall_log_roots")
    }


def log_roots(
    ledger: duckdb.DuckDBPyConnection,
    named: Path | None,
    example_logs: Path | None = None,
    *,
    add_logs: bool = False,
) -> list[Path]:
    """Return the folders to load from.

    ``named`` is the folder that the user named; without one these are the folders that the
    database remembers, but for those that are gone, and ``example_logs`` where it remembers none.
    Raises LogSourceError if there is none, or one that the database does not know is not
    let in by ``add_logs``, and LogFoldersGoneError if all that it remembers are gone.
    """
    known = known_log_roots(ledger)
    roots = readable_log_roots(known, named, example_logs)
    root = printable(os.path.abspath(roots[0]))
    if known and root not in known and not add_logs:
        raise LogSourceError(
            f"This database was loaded from {', '.join(known)}, not from {root}:"
            " use --add-logs if its logs belong here too (or ROLECALL_ADD_LOGS=1 for dbt),"
            " or another database."
        )
    return roots


def readable_log_roots(
    known: Sequence[str], named: Path | None, example_logs: Path | None = None
) -> list[Path]:
    """Return the folders to read, whether the database knows them or not.

    Raises LogSourceError if there is none, LogFoldersGoneError if all remembered ones are gone.
    """
    if named is not None:
        if not named.exists():
            raise LogSourceError(f"The log folder {named} does not exist.")
        return [named]
    roots = [Path(path_of(root)) for root in known]
    if not roots and example_logs is not None and example_logs.is_dir():
        roots = [example_logs]
    if not roots:
        raise LogSourceError(
            "No log folder is named: set ROLECALL_LOGS (or --logs) to a folder of"
            " CloudTrail log files."
        )
    existing = [root for root in roots if root.exists()]
    if not existing:
        gone = " and ".join(known or map(str, roots))
        verb = "does" if len(roots) == 1 else "do"
        raise LogFoldersGoneError(
            f"The log folder {gone} {verb} not exist: name the one where its logs are now, with"
            " `rolecall refresh --logs DIR --add-logs`."
        )
    return existing


def check_has_logs(roots: Sequence[Path]) -> None:
    """Raise NoLogsError if there is no log file below ``roots``; stops at the first."""
    passed_over: Counter[str] = Counter()
    for root in roots:
        if any(True for _ in find_log_files(root, passed_over=passed_over)):
            return
    raise NoLogsError(roots, passed_over)


def rows_if_any(ledger: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, none before the first load has made its table."""
    try:
        return ledger.execute(sql).fetchall()
    except duckdb.CatalogException:
        return []
