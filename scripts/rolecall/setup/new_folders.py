"""Add what is new in the bucket to a table that Rolecall made."""

from __future__ import annotations

from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import aws_in
from rolecall.aws.glue_catalogue import CatalogueTable, bucket_and_key
from rolecall.aws.trail_bucket import RegionFolder, TrailBucket
from rolecall.errors import RolecallError
from rolecall.settings import Settings
from rolecall.setup.carry_out import run_statement
from rolecall.setup.folders import (
    folders_right_below,
    missing_partitions,
    unknown_folders,
)
from rolecall.setup.text import folders_text
from rolecall.setup.trail_table import MARK, TrailTable


def add_new_folders(
    existing: CatalogueTable, settings: Settings, athena: Athena
) -> tuple[RegionFolder, ...]:
    """Add accounts and regions that are new in the bucket to a table that Rolecall made.

    Returns their folders; of any other table, none. Raises RolecallError.
    """
    if MARK not in existing.properties:
        return ()
    name, key = bucket_and_key(existing.location)
    bucket = TrailBucket(aws_in(settings.region).s3, name)
    days = bucket.days_of(unknown_folders(existing, folders_right_below(bucket, key)))
    if not days:
        return ()
    new = tuple(days)
    table = TrailTable(
        existing.name,
        existing.location,
        tuple(folder.account for folder in new),
        tuple(folder.region for folder in new),
        min(first for first, _ in days.values()),
        added=missing_partitions(existing, days),
    )
    try:
        for statement in table.statements(existing):
            run_statement(athena, statement, existing.name)
    except RolecallError as error:
        raise RolecallError(
            f"The table {existing.name} lacks {folders_text(new)}: {error} Or run `rolecall setup`."
        ) from None
    return new
