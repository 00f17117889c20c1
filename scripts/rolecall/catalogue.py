"""What the Glue catalogue and S3 say of a table: its columns, its place, its size."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.athena import explained, make_client
from rolecall.errors import RolecallError, ScanLimitError
from rolecall.settings import Settings
from rolecall.sizes import size_text

# How compiled SQL names a table.
_TABLE = re.compile(r'"awsdatacatalog"\."(?P<database>[^"]+)"\."(?P<table>[^"]+)"')


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """A table of the catalogue; ``location`` is an S3 URL that ends in a slash."""

    name: str
    location: str
    columns: tuple[tuple[str, str], ...]
    partition_keys: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """A text that changes when the columns do."""
        return hashlib.sha256(json.dumps(self.columns).encode()).hexdigest()[:16]


def catalogue_table(name: str, settings: Settings) -> CatalogueTable:
    """Return the table ``DATABASE.TABLE``. Raises RolecallError if it cannot be had."""
    database, _, table = name.partition(".")
    glue = make_client("glue", settings.region)
    try:
        found: dict[str, Any] = glue.get_table(DatabaseName=database, Name=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            raise RolecallError(
                f"There is no table {name} in the Glue catalogue: name your CloudTrail table with"
                " ROLECALL_TABLE (DATABASE.TABLE), and its region with ROLECALL_REGION."
            ) from None
        raise explained(error, f"look up the table {name}") from None
    except BotoCoreError as error:
        raise explained(error, f"look up the table {name}") from None
    storage = found.get("StorageDescriptor", {})
    location = storage.get("Location", "")
    return CatalogueTable(
        name,
        location.rstrip("/") + "/" if location else "",
        tuple((column["Name"], column["Type"]) for column in storage.get("Columns", [])),
        tuple(key["Name"] for key in found.get("PartitionKeys", [])),
    )


def table_bytes(table: CatalogueTable, settings: Settings) -> int:
    """Return how many bytes the S3 objects of a table have. Raises RolecallError."""
    bucket, _, prefix = table.location.removeprefix("s3://").partition("/")
    if not bucket:  # a view has no objects of its own
        return 0
    s3 = make_client("s3", settings.region)
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sum(entry["Size"] for page in pages for entry in page.get("Contents", []))
    except (ClientError, BotoCoreError) as error:
        raise explained(error, f"list the objects of {table.location}") from None


def tables_of(sql: str) -> list[str]:
    """Return the tables that a compiled query names, as ``DATABASE.TABLE``, each once."""
    found = (f"{match['database']}.{match['table']}" for match in _TABLE.finditer(sql))
    return list(dict.fromkeys(found))


def check_scan(tables: list[str], settings: Settings) -> None:
    """Raise ScanLimitError if a scan of these tables could go over ``max_scan``.

    The size is that of all their objects in S3: what a query reads is at most that. Without a
    limit nothing is asked.
    """
    if settings.max_scan is None:
        return
    most = sum(table_bytes(catalogue_table(name, settings), settings) for name in tables)
    if most > settings.max_scan:
        raise ScanLimitError(
            f"This could scan {size_text(most)} of {', '.join(tables)}, over the limit of"
            f" {size_text(settings.max_scan)}: raise it with --max-scan (ROLECALL_MAX_SCAN), or"
            " ask a table with less behind it."
        )
