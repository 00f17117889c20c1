"""The temporary tables that a dead refresh left on Athena: removed, with their data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rolecall.athena.compaction import STORE
from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing
from rolecall.aws.glue_catalogue import bucket_and_key

if TYPE_CHECKING:
    from rolecall.settings import Settings

# Tables of the store that are too small to be worth compacting.
_SMALL = (
    *("archived_logs", "empty_days", "event_conflicts", "event_corrections"),
    "session_action_revisions",
)
MERGED_TABLES = (*(table.name for table in STORE), *_SMALL)
"""The tables of the store that grow: each load is merged into them."""

# What dbt-athena names the table whose rows it merges, with a text of each run's own behind it.
_TEMPORARY = re.compile(rf"(?:{'|'.join(MERGED_TABLES)})__dbt_tmp_\w+")


def drop_temporary_tables(settings: Settings) -> list[str]:
    """Remove what dead refreshes of the schema left of temporary tables; return their names.

    Data outside of the folder of results stays. Nobody else may be refreshing the schema. Raises
    RolecallError.
    """
    aws = aws_in(settings.region)
    with doing(f"remove temporary tables from {settings.schema_name}"):
        found = _temporary_tables(aws.glue, settings.schema_name)
        for name, location in found.items():
            aws.glue.delete_table(DatabaseName=settings.schema_name, Name=name)
            if location.startswith(f"{str(settings.results).rstrip('/')}/"):
                _delete_objects(aws.s3, location)
    return sorted(found)


def _temporary_tables(glue: Any, schema: str) -> dict[str, str]:
    """Return the locations of the temporary tables by their names."""
    try:
        return {
            table["Name"]: table["StorageDescriptor"]["Location"]
            for page in glue.get_paginator("get_tables").paginate(DatabaseName=schema)
            for table in page["TableList"]
            if _TEMPORARY.fullmatch(table["Name"])
        }
    except glue.exceptions.EntityNotFoundException:  # it died before its first table
        return {}


def _delete_objects(s3: Any, location: str) -> None:
    bucket, folder = bucket_and_key(f"{location.rstrip('/')}/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
        objects = [{"Key": each["Key"]} for each in page.get("Contents", ())]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
