"""What Rolecall needs on Athena, what is there, and so what is to be made: nothing is changed here.

What is there already stays as it is; only the table that Rolecall made is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing, error_code, user_error
from rolecall.aws.glue_catalogue import CatalogueTable, bucket_and_key, find_table
from rolecall.aws.trail_bucket import RegionFolder, TrailBucket
from rolecall.days import Days
from rolecall.errors import RolecallError, UsageError
from rolecall.names import valid_name
from rolecall.settings import Settings
from rolecall.setup.folders import (
    folders_right_below,
    known_values,
    missing_partitions,
    unknown_folders,
)
from rolecall.setup.trail import SetupRequest, TrailDestination, find_trail, logs_key
from rolecall.setup.trail_table import MARK, TrailTable

DEFAULT_NAME = "rolecall"
DEFAULT_TABLE = "cloudtrail_logs"
_SMALLEST_CUTOFF = 10_000_000  # of the API: CreateWorkGroup


@dataclass(frozen=True, slots=True)
class ArchivedPeriod:
    """The folder with the oldest logs, which are archived, and the first day after these."""

    folder: RegionFolder
    until: date


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """What is there, and what is to be made of it.

    ``there`` is the table as it is, None if there is none; ``statements`` make it as it is to be.
    ``day_bytes`` is what was delivered yesterday. ``passed_over`` names folders of logs that the
    table does not have; ``bucket_region`` is where the logs are, None if AWS does not say;
    ``archived`` are the oldest logs, if they are in Glacier.
    """

    trail: TrailDestination
    table: TrailTable
    existing: CatalogueTable | None
    statements: tuple[str, ...]
    has_database: bool
    workgroup: str
    has_workgroup: bool
    cutoff: int
    results: str
    day_bytes: int
    passed_over: tuple[str, ...]
    bucket_region: str | None
    archived: ArchivedPeriod | None

    @property
    def is_own_table(self) -> bool:
        """Whether the table that is there was made by Rolecall."""
        return self.existing is not None and MARK in self.existing.properties

    @property
    def new_accounts(self) -> list[str]:
        """The accounts that the table lacks so far."""
        known = known_values(self.existing, "account")
        return [account for account in self.table.accounts if account not in known]

    @property
    def new_regions(self) -> list[str]:
        """The regions that the table lacks so far."""
        known = known_values(self.existing, "region")
        return [region for region in self.table.regions if region not in known]


def plan_setup(settings: Settings, request: SetupRequest) -> SetupPlan:
    """Find the trail and what is there, and return what is to be made. Nothing is changed.

    Raises RolecallError, which names the bucket, the key or the database that may not be used.
    """
    if settings.results is None:
        raise UsageError(
            "Athena needs a place in S3 for results and tables: name one such as"
            " s3://my-bucket/rolecall/ with --results (ROLECALL_RESULTS)."
        )
    if request.cutoff < _SMALLEST_CUTOFF:
        raise UsageError("Athena's limit on a query's scan is 10 MB or more: raise --cutoff.")
    name, workgroup = _names(settings)
    trail = find_trail(settings, request)
    aws = aws_in(settings.region)
    bucket = TrailBucket(aws.s3, valid_name("bucket", trail.bucket))
    key, passed_over = logs_key(bucket, trail, request.organization)
    first_days = bucket.first_days(folders_right_below(bucket, key))
    folders = list(first_days)
    if not folders:
        raise RolecallError(
            f"There is no CloudTrail log below s3://{trail.bucket}/{key}: name the folder that has"
            " AWSLogs/ with --prefix, or wait some minutes for the trail's first log."
        )
    archived = _archived_logs(bucket, first_days)
    _check_logs_can_be_read(aws.s3, bucket, first_days, archived, trail)
    _check_results_bucket(aws.s3, settings.results)
    existing = find_table(name, settings)
    table = TrailTable(
        name,
        valid_name("s3_url", f"s3://{trail.bucket}/{key}"),
        tuple(sorted({folder.account for folder in folders})),
        tuple(sorted({folder.region for folder in folders})),
        min(first_days.values()),
        added=missing_partitions(existing, bucket.days_of(unknown_folders(existing, folders))),
    )
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return SetupPlan(
        trail=trail,
        table=table,
        existing=existing,
        statements=tuple(_statements(table, existing)),
        has_database=_has_database(aws.glue, name.partition(".")[0]),
        workgroup=workgroup,
        has_workgroup=_has_workgroup(aws.athena, workgroup),
        cutoff=request.cutoff,
        results=settings.results,
        day_bytes=bucket.folder_bytes(folders, Days(yesterday, yesterday)),
        passed_over=passed_over,
        bucket_region=_region_of(aws.s3, trail.bucket),
        archived=archived,
    )


def _names(settings: Settings) -> tuple[str, str]:
    """Return the names of table and workgroup: those that were set, else Rolecall's own."""
    given = settings.model_fields_set
    return (
        settings.table if "table" in given else f"{settings.schema_name}.{DEFAULT_TABLE}",
        settings.workgroup if "workgroup" in given else DEFAULT_NAME,
    )


def _archived_logs(
    bucket: TrailBucket, first_days: Mapping[RegionFolder, date]
) -> ArchivedPeriod | None:
    """Return which logs are in Glacier as the oldest folder tells it: a lifecycle goes by age."""
    folder = min(first_days, key=lambda folder: (first_days[folder], folder.key))
    until = bucket.archived_until(folder, first_days[folder], datetime.now(UTC).date())
    return None if until is None else ArchivedPeriod(folder, until)


def _check_logs_can_be_read(
    s3: Any,
    bucket: TrailBucket,
    first_days: Mapping[RegionFolder, date],
    archived: ArchivedPeriod | None,
    trail: TrailDestination,
) -> None:
    """Read one byte of one log. Raises RolecallError if bucket or key do not allow it.

    Where all that are looked at are archived, nothing is read.
    """
    since = first_days if archived is None else dict.fromkeys(first_days, archived.until)
    keys = (bucket.readable_key(folder, day) for folder, day in since.items())
    key = next((key for key in keys if key is not None), None)
    if key is None:
        return
    try:
        s3.get_object(Bucket=bucket.bucket, Key=key, Range="bytes=0-0")["Body"].read()
    except (ClientError, BotoCoreError) as error:
        if "kms" not in str(error).lower():
            raise user_error(error, f"read s3://{bucket.bucket}/{key}") from None
        named = f"the key {trail.key_arn}" if trail.key_arn else "a key of KMS"
        raise RolecallError(
            f"The logs in s3://{bucket.bucket}/ are encrypted with {named}, which you may not use:"
            " ask for kms:Decrypt on it."
        ) from None


def _check_results_bucket(s3: Any, results: str) -> None:
    bucket, _ = bucket_and_key(results)
    with doing(f"list s3://{bucket}/, the place of results"):
        try:
            s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise
            raise RolecallError(
                f"There is no bucket {bucket} for the results: make it (aws s3 mb s3://{bucket}),"
                " or name another place with --results."
            ) from None


def _region_of(s3: Any, bucket: str) -> str | None:
    try:
        region: str | None = s3.head_bucket(Bucket=bucket).get("BucketRegion")
    except (ClientError, BotoCoreError):  # a note about costs, no more
        return None
    return region


def _statements(table: TrailTable, existing: CatalogueTable | None) -> list[str]:
    if existing is not None:
        if MARK not in existing.properties:
            return []
        if existing.location != table.location:
            raise UsageError(
                f"{table.name} reads {existing.location}, and not {table.location}: name another"
                " table with --table."
            )
    return table.statements(existing)


def _has_database(glue: Any, name: str) -> bool:
    with doing(f"look up the database {name}"):
        try:
            glue.get_database(Name=name)
        except ClientError as error:
            if error_code(error) == "EntityNotFoundException":
                return False
            raise
    return True


def _has_workgroup(client: Any, name: str) -> bool:
    with doing(f"look up the workgroup {name}"):
        try:
            client.get_work_group(WorkGroup=name)
        except ClientError as error:
            if "not found" in str(error):
                return False
            raise
    return True
