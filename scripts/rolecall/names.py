"""Identifiers and locations of AWS: which may stand in a query, and where queries run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rolecall.errors import UsageError

_PATTERNS = {
    # What Athena and Glue call a name, less what would need an escape in quotes.
    "database": (r"[a-z0-9_][a-z0-9_-]{0,254}", "lower-case letters, digits, _ and -"),
    "table": (r"[a-z0-9_][a-z0-9_-]{0,254}", "lower-case letters, digits, _ and -"),
    "catalog": (r"[A-Za-z0-9_@-]{1,127}(?:/[a-z0-9-]{1,127})?", "letters, digits, _, @ and -"),
    "workgroup": (r"[A-Za-z0-9._-]{1,128}", "letters, digits, dots, _ and -"),
    "bucket": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "lower-case letters, digits, dots and -"),
    "s3_url": (
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[\w!.*()=+@,:-]+)*/?",
        "s3://BUCKET/FOLDER/, with a-z, A-Z, digits and !.*()=+@,:_- in the names of folders",
    ),
}


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where queries run and where Athena writes their results.

    Without ``output_location`` (``s3://bucket/folder/``) it is the workgroup's. Raises UsageError
    for what cannot be a name.
    """

    database: str
    workgroup: str = "primary"
    output_location: str | None = None
    catalog: str = "awsdatacatalog"

    def __post_init__(self) -> None:
        valid_name("database", self.database)
        valid_name("workgroup", self.workgroup)
        valid_name("catalog", self.catalog)
        if self.output_location is not None:
            valid_name("s3_url", self.output_location)


def valid_name(kind: str, name: str) -> str:
    """Return ``name`` if it can be a database, table, catalog, workgroup, bucket or place in S3.

    Raises UsageError. What it returns may stand in a query, in double quotes.
    """
    pattern, allowed = _PATTERNS[kind]
    if not re.fullmatch(pattern, name, re.ASCII):
        what = "place in S3" if kind == "s3_url" else kind
        raise UsageError(f"{name!r} cannot be a {what}: it is written with {allowed}.")
    return name


def valid_table(name: str) -> tuple[str, str]:
    """Return the database and the table that ``DATABASE.TABLE`` names. Raises UsageError."""
    database, dot, table = name.partition(".")
    if not dot:
        raise UsageError(f"{name!r} is not of the form DATABASE.TABLE.")
    return valid_name("database", database), valid_name("table", table)


def valid_folder(location: str) -> str:
    """Return a location in S3 with one slash at its end. Raises UsageError."""
    return valid_name("s3_url", location).rstrip("/") + "/"
