"""The folders of accounts and regions: those in a bucket, and those that a table has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.aws.trail_bucket import RegionFolder, TrailBucket
from rolecall.setup.trail_table import MARK, AddedPartition


def unknown_folders(
    existing: CatalogueTable | None, folders: Sequence[RegionFolder]
) -> tuple[RegionFolder, ...]:
    """Return the folders whose account or region a table that Rolecall made does not have.

    If there is no such table, there are none.
    """
    if existing is None or MARK not in existing.properties:
        return ()
    accounts, regions = known_values(existing, "account"), known_values(existing, "region")
    return tuple(
        folder
        for folder in folders
        if folder.account not in accounts or folder.region not in regions
    )


def known_values(existing: CatalogueTable | None, column: str) -> list[str]:
    """Return the values that a projected table has of a partition column."""
    return existing.properties.get(f"projection.{column}.values", "").split(",") if existing else []


def missing_partitions(
    existing: CatalogueTable | None, unknown: Mapping[RegionFolder, tuple[date, date]]
) -> tuple[AddedPartition, ...]:
    """Return the accounts and regions that a table lacks, with the days of its unknown folders.

    Those that begin today are left out: every load looks that far back.
    """
    days: dict[tuple[str, str], list[date]] = {}
    for folder, first_and_last in unknown.items():
        for column, value in (("account", folder.account), ("region", folder.region)):
            if value not in known_values(existing, column):
                days.setdefault((column, value), []).extend(first_and_last)
    today = datetime.now(UTC).date()
    return tuple(
        AddedPartition(column, value, min(found), max(found))
        for (column, value), found in days.items()
        if min(found) < today
    )


def folders_right_below(bucket: TrailBucket, key: str) -> list[RegionFolder]:
    """Return the folders of accounts in this one, without those of an organization in it."""
    return [
        folder
        for folder in bucket.region_folders(key)
        if folder.key == f"{key}{folder.account}/CloudTrail/{folder.region}/"
    ]
