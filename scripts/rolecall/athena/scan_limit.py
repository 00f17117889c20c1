"""What a query may scan: tables that it names, and the limit of the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rolecall.aws.glue_catalogue import CatalogueTable, catalogue_table, table_bytes
from rolecall.days import Days
from rolecall.errors import ScanLimitError
from rolecall.project.location import models_read_by
from rolecall.settings import Settings
from rolecall.sizes import size_text

# How compiled SQL names a table.
_TABLE = re.compile(r'"awsdatacatalog"\."(?P<database>[^"]+)"\."(?P<table>[^"]+)"')


def tables_of(sql: str) -> list[str]:
    """Return the tables that a compiled query names, as ``DATABASE.TABLE``, each once."""
    found = (f"{match['database']}.{match['table']}" for match in _TABLE.finditer(sql))
    return list(dict.fromkeys(found))


def _with_what_views_read(tables: list[str], settings: Settings) -> dict[str, CatalogueTable]:
    """Return tables by name, and behind a view of the project those that it reads."""
    found: dict[str, CatalogueTable] = {}
    pending = list(tables)
    for name in pending:
        if name in found:
            continue
        found[name] = catalogue_table(name, settings)
        database, _, model = name.partition(".")
        if found[name].is_view and database == settings.schema_name:
            pending += [f"{database}.{read}" for read in sorted(models_read_by(model))]
    return found


def check_scan(
    tables: list[str], settings: Settings, spans: Sequence[Days] | None = None
) -> int | None:
    """Return what a scan of these tables leaves of ``max_scan``, in bytes; None without a limit.

    Raises ScanLimitError if it could go over it, as ``check_bytes`` does.

    The size is that of their objects in S3: what a query reads is at most that. Of the CloudTrail
    table it is that of the days of delivery in ``spans``, where its partitions tell them. Without a
    limit nothing is asked.
    """
    if settings.max_scan is None:
        return None
    everything: Sequence[Days | None] = [None]
    most = 0
    read = _with_what_views_read(tables, settings)
    for name, table in read.items():
        for days in spans if spans is not None and name == settings.table else everything:
            most += table_bytes(table, settings, days)
    return check_bytes(most, list(read), settings)


def check_bytes(most: int, tables: list[str], settings: Settings) -> int | None:
    """Return what a scan of so many bytes of these tables leaves of ``max_scan``.

    None without a limit. Raises ScanLimitError if it is over it.
    """
    if settings.max_scan is None:
        return None
    if most > settings.max_scan:
        raise ScanLimitError(
            f"This could scan {size_text(most)} of {', '.join(tables)}, over the limit of"
            f" {size_text(settings.max_scan)}: raise it with --max-scan (ROLECALL_MAX_SCAN), or"
            " ask for fewer days, or a table with less behind it."
        )
    return settings.max_scan - most
