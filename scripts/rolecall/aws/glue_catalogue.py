"""What the Glue catalogue and S3 say of a table: its columns, its location, its size."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from botocore.exceptions import ClientError

from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing, error_code
from rolecall.aws.trail_bucket import Stock, TrailBucket, keys_of_days
from rolecall.days import ALL_DAYS, Days
from rolecall.errors import RolecallError
from rolecall.names import valid_name
from rolecall.settings import Settings

READ_RESTORED = "read_restored_glacier_objects"
"""The property by which Athena reads what was restored from Glacier for some days, and does not
pass it over (Amazon Athena User Guide, "Query restored Amazon S3 Glacier objects")."""

# The partition columns of AWS's manual partitioning, and the forms in which columns tell a day.
_MANUAL_DAY = {"year": "yyyy", "month": "MM", "day": "dd"}
_DAY = re.compile(r"yyyy[/_.-]?MM[/_.-]?dd|yyyy MM dd")
# Athena lists at most so many partitions in a scan (Amazon Athena User Guide, "Service quotas").
_MOST_PARTITIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """A table of the catalogue; ``location`` is an S3 URL that ends in a slash.

    ``columns`` and ``partition_keys`` are pairs of name and Hive's type.
    """

    name: str
    location: str
    columns: tuple[tuple[str, str], ...]
    partition_keys: tuple[tuple[str, str], ...]
    properties: Mapping[str, str] = field(default_factory=dict)
    told_partitions: Mapping[str, str] | None = None
    is_view: bool = False

    @property
    def fingerprint(self) -> str:
        """A text that changes when the SQL of a question to the table does."""
        seen = [self.columns, self.partition_keys, dict(self.day_columns)]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]

    @property
    def is_projected(self) -> bool:
        """Whether its partitions are worked out, and not entered in the catalogue."""
        return self.properties.get("projection.enabled", "").lower() == "true"

    @property
    def has_entered_days(self) -> bool:
        """Whether the catalogue has a partition for each day, with a location of its own."""
        return bool(self.day_columns) and not self.is_projected

    @property
    def day_columns(self) -> Mapping[str, str]:
        """The partition columns that tell the day of delivery, each with the form of its values.

        Empty, one that has the whole day, or three for year, month and day. Raises RolecallError
        if the settings name others.
        """
        keys = [name for name, _ in self.partition_keys]
        forms = self.told_partitions
        if not forms:
            forms = {
                key: self.properties.get(f"projection.{key}.format", "")
                for key in keys
                if self.properties.get(f"projection.{key}.type") == "date"
            }
            if not forms and _MANUAL_DAY.keys() <= set(keys):
                forms = _MANUAL_DAY
        known = {
            name: form
            for name, form in forms.items()
            if name in keys and re.fullmatch("[a-z0-9_]+", name)
        }
        if _DAY.fullmatch(" ".join(known.values())):
            return known
        if self.told_partitions:
            raise RolecallError(
                f"The setting partitions is {dict(self.told_partitions)}, and the partition columns"
                f" of {self.name.partition('.')[2]} are {', '.join(keys) or 'none'}: name one that"
                " has the day, such as {dt: yyyy/MM/dd}, or three in the order"
                " {year: yyyy, month: MM, day: dd}."
            )
        return {}

    @property
    def first_projected_day(self) -> date | None:
        """The first day that a projected table can have, None where the table does not say it."""
        if not self.is_projected or len(self.day_columns) != 1:
            return None
        (column,) = self.day_columns
        first, _, _ = self.properties.get(f"projection.{column}.range", "").partition(",")
        match = re.fullmatch(r"(\d{4})[/_.-]?(\d\d)[/_.-]?(\d\d)", first.strip(), re.ASCII)
        return date(*map(int, match.groups())) if match else None

    @property
    def most_days_in_a_scan(self) -> int:
        """How many days one scan may span.

        A projected table has a partition a day for each combination of its other keys.
        """
        folders = math.prod(
            len(self.properties.get(f"projection.{key}.values", "").split(","))
            for key, _ in self.partition_keys
            if self.properties.get(f"projection.{key}.type") == "enum"
        )
        return max(_MOST_PARTITIONS // folders, 1)


def catalogue_table(name: str, settings: Settings) -> CatalogueTable:
    """Return the table ``DATABASE.TABLE``. Raises RolecallError if it cannot be had."""
    found = find_table(name, settings)
    if found is None:
        raise RolecallError(
            f"There is no table {name} in the Glue catalogue: name your CloudTrail table with"
            " ROLECALL_TABLE (DATABASE.TABLE), and its region with ROLECALL_REGION, or make one"
            " with `rolecall setup`."
        )
    injected = [
        key
        for key, _ in found.partition_keys
        if found.is_projected and found.properties.get(f"projection.{key}.type") == "injected"
    ]
    if injected:
        raise RolecallError(
            f"Athena reads {name} for given values of {', '.join(injected)} only (injected"
            " projection), and Rolecall asks for all: make another table with `rolecall setup`."
        )
    return found


def has_own_table(table: str, settings: Settings) -> bool:
    """Return whether a refresh has made a table of Rolecall's yet. Raises RolecallError."""
    return find_table(f"{settings.schema_name}.{table}", settings) is not None


def find_table(name: str, settings: Settings) -> CatalogueTable | None:
    """Return the table ``DATABASE.TABLE``, None if there is none. Raises RolecallError."""
    database, _, table = name.partition(".")
    glue = aws_in(settings.region).glue
    with doing(f"look up the table {name}"):
        try:
            found: dict[str, Any] = glue.get_table(DatabaseName=database, Name=table)["Table"]
        except ClientError as error:
            if error_code(error) == "EntityNotFoundException":
                return None
            raise
    storage = found.get("StorageDescriptor", {})
    location = storage.get("Location", "")
    return CatalogueTable(
        name,
        location.rstrip("/") + "/" if location else "",
        tuple((column["Name"], column["Type"]) for column in storage.get("Columns", [])),
        tuple((key["Name"].lower(), key["Type"]) for key in found.get("PartitionKeys", [])),
        found.get("Parameters", {}),
        settings.partitions if name == settings.table else None,
        # Of a view of Athena's and of Hive's (AWS Glue API, "TableInput").
        found.get("TableType") == "VIRTUAL_VIEW",
    )


def table_bytes(table: CatalogueTable, settings: Settings, days: Days | None = None) -> int:
    """Return how many bytes the S3 objects of a table have, of ``days`` alone if that can be told.

    Only those days' objects are listed of a table that is partitioned by the day of delivery.
    Raises RolecallError.
    """
    return sum(
        trail.bytes_below(folders, listed)
        for trail, folders, listed in _listings(
            table, settings, days, is_by_day=bool(table.day_columns)
        )
    )


def table_files(
    table: CatalogueTable, settings: Settings, days: Days | None = None
) -> dict[str, int]:
    """Return the size of each S3 object that ``table_bytes`` counts, by its URL.

    A row's ``"$path"`` is the URL of its object (Athena User Guide, "Get the file locations for
    source data in Amazon S3"). Raises RolecallError.
    """
    return {
        f"s3://{trail.bucket}/{key}": size
        for trail, folders, listed in _listings(
            table, settings, days, is_by_day=bool(table.day_columns)
        )
        for key, size in trail.sizes_below(folders, listed).items()
    }


def table_stock(table: CatalogueTable, settings: Settings, spans: Iterable[Days]) -> Stock | None:
    """Return what a table's bucket has of the logs of some days, whatever its partitions are.

    None where the table does not lie over CloudTrail's folders: its days cannot be listed alone.
    Raises RolecallError.
    """
    stock = Stock()
    reads_restored = table.properties.get(READ_RESTORED, "").lower() == "true"
    for days in spans:
        for trail, folders, listed in _listings(table, settings, days, is_by_day=True):
            if listed is ALL_DAYS and not table.has_entered_days:
                return None
            stock.add(trail.stock(folders, listed, reads_restored=reads_restored))
    return stock


def _listings(
    table: CatalogueTable, settings: Settings, days: Days | None, *, is_by_day: bool
) -> Iterator[tuple[TrailBucket, list[str], Days]]:
    """Yield the buckets of a table, in each the folders, and the days to list of these.

    Without ``is_by_day`` everything is listed, as a table without partitions by the day is scanned.
    """
    if not table.location:  # a view has no objects of its own
        return
    s3 = aws_in(settings.region).s3
    if days is not None and table.has_entered_days:
        for bucket, keys in _partition_folders(table, settings, days).items():
            yield TrailBucket(s3, bucket), keys, ALL_DAYS
        return
    bucket, key = _projected_folder(table) if table.is_projected else bucket_and_key(table.location)
    trail = TrailBucket(s3, bucket)
    folders = trail.region_folders(key) if days is not None and is_by_day else []
    if days is not None and folders:
        yield trail, keys_of_days(folders, days), days
    else:
        yield trail, [key], ALL_DAYS


def _projected_folder(table: CatalogueTable) -> tuple[str, str]:
    """Return the bucket and the folder that hold all partitions of a projected table."""
    template = table.properties.get("storage.location.template", table.location)
    fixed = template.partition("${")[0]
    return bucket_and_key(fixed[: fixed.rindex("/") + 1])


def _partition_folders(
    table: CatalogueTable, settings: Settings, days: Days
) -> dict[str, list[str]]:
    """Return the folders of the partitions of some days, by bucket."""
    database, _, name = table.name.partition(".")
    glue = aws_in(settings.region).glue
    order = [key for key, _ in table.partition_keys]
    folders: dict[str, list[str]] = {}
    with doing(f"list the partitions of {table.name}"):
        for page in glue.get_paginator("get_partitions").paginate(
            DatabaseName=database, TableName=name, ExcludeColumnSchema=True
        ):
            for partition in page["Partitions"]:
                values = dict(zip(order, partition["Values"], strict=True))
                day = _partition_day(table.day_columns, values)
                if day is not None and days.has(day):
                    bucket, key = bucket_and_key(partition["StorageDescriptor"]["Location"])
                    folders.setdefault(bucket, []).append(key.rstrip("/") + "/")
    return folders


def _partition_day(forms: Mapping[str, str], values: Mapping[str, str]) -> date | None:
    """Return the day of a partition, None if it tells none."""
    digits = re.findall(r"\d+", "/".join(values.get(name, "") for name in forms))
    if len(digits) == 1:  # yyyyMMdd
        digits = [digits[0][:4], digits[0][4:6], digits[0][6:]]
    try:
        return date(*map(int, digits))
    except (TypeError, ValueError):
        return None


def bucket_and_key(location: str) -> tuple[str, str]:
    """Return the bucket and the key of a location in S3. Raises UsageError if it cannot be one."""
    bucket, _, key = location.partition("://")[2].partition("/")
    return valid_name("bucket", bucket), key
