"""Make what Rolecall needs on Athena: the database, the CloudTrail table and the workgroup.

What is there already stays as it is; of it only the table that this module made is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing, error_code, user_error
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.glue_catalogue import CatalogueTable, bucket_and_key, find_table
from rolecall.aws.refusals import refusal
from rolecall.aws.trail_bucket import ACCOUNT, ORGANIZATION, Days, RegionFolder, TrailBucket
from rolecall.errors import RolecallError, UsageError
from rolecall.names import Workspace, valid_name
from rolecall.settings import Settings
from rolecall.setup.trail_table import MARK, AddedPartition, TrailTable

DEFAULT_NAME = "rolecall"
DEFAULT_TABLE = "cloudtrail_logs"
DEFAULT_CUTOFF = 1_000_000_000_000
"""How many bytes a query in a new workgroup may scan: a terabyte."""

_NAMED_AT_MOST = 10
_SMALLEST_CUTOFF = 10_000_000  # of the API: CreateWorkGroup


@dataclass(frozen=True, slots=True)
class Trail:
    """Where a trail writes to: ``prefix`` ends in a slash or is ''; ``key_arn`` encrypts the logs.

    ``name`` is None for a bucket that was given by itself.
    """

    name: str | None
    bucket: str
    prefix: str = ""
    is_of_organization: bool = False
    key_arn: str | None = None


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """What the command line says about the trail and the workgroup; sizes in bytes."""

    trail: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    organization: str | None = None
    cutoff: int = DEFAULT_CUTOFF


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

    trail: Trail
    table: TrailTable
    there: CatalogueTable | None
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
        return self.there is not None and MARK in self.there.properties

    @property
    def new_accounts(self) -> list[str]:
        """The accounts that the table lacks so far."""
        known = _known(self.there, "account")
        return [account for account in self.table.accounts if account not in known]

    @property
    def new_regions(self) -> list[str]:
        """The regions that the table lacks so far."""
        known = _known(self.there, "region")
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
    trail = _trail(settings, request)
    aws = aws_in(settings.region)
    bucket = TrailBucket(aws.s3, valid_name("bucket", trail.bucket))
    key, passed_over = _logs_key(bucket, trail, request.organization)
    first_days = bucket.first_days(_folders_right_below(bucket, key))
    folders = list(first_days)
    if not folders:
        raise RolecallError(
            f"There is no CloudTrail log below s3://{trail.bucket}/{key}: name the folder that has"
            " AWSLogs/ with --prefix, or wait some minutes for the trail's first log."
        )
    archived = _archived_logs(bucket, first_days)
    _check_logs_can_be_read(aws.s3, bucket, first_days, archived, trail)
    _check_results_bucket(aws.s3, settings.results)
    there = find_table(name, aws.glue, settings)
    table = TrailTable(
        name,
        valid_name("s3_url", f"s3://{trail.bucket}/{key}"),
        tuple(sorted({folder.account for folder in folders})),
        tuple(sorted({folder.region for folder in folders})),
        min(first_days.values()),
        added=_added(there, bucket.days_of(_unknown_folders(there, folders))),
    )
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return SetupPlan(
        trail=trail,
        table=table,
        there=there,
        statements=tuple(_statements(table, there)),
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


def carry_out(plan: SetupPlan, settings: Settings) -> None:
    """Make what a plan says. Raises RolecallError; what was made until then is kept."""
    client = aws_in(settings.region).athena
    if not plan.has_workgroup:
        _create_workgroup(client, plan)
    database = plan.table.name.partition(".")[0]
    workspace = Workspace("default", plan.workgroup, f"{plan.results}results/")
    athena = Athena(workspace, client, price_per_tb=settings.price_per_tb)
    if not plan.has_database:
        statement = f"CREATE DATABASE IF NOT EXISTS `{valid_name('database', database)}`"
        _run(athena, statement, plan.table.name)
    for statement in plan.statements:
        _run(athena, statement, plan.table.name)


def add_new_folders(
    there: CatalogueTable, settings: Settings, athena: Athena
) -> tuple[RegionFolder, ...]:
    """Add accounts and regions that are new in the bucket to a table that Rolecall made.

    Returns their folders; of any other table, none. Raises RolecallError.
    """
    if MARK not in there.properties:
        return ()
    name, key = bucket_and_key(there.location)
    bucket = TrailBucket(aws_in(settings.region).s3, name)
    days = bucket.days_of(_unknown_folders(there, _folders_right_below(bucket, key)))
    if not days:
        return ()
    new = tuple(days)
    table = TrailTable(
        there.name,
        there.location,
        tuple(folder.account for folder in new),
        tuple(folder.region for folder in new),
        min(first for first, _ in days.values()),
        added=_added(there, days),
    )
    try:
        for statement in table.statements(there):
            _run(athena, statement, there.name)
    except RolecallError as error:
        raise RolecallError(
            f"The table {there.name} lacks {folders_text(new)}: {error} Or run `rolecall setup`."
        ) from None
    return new


def _unknown_folders(
    there: CatalogueTable | None, folders: Sequence[RegionFolder]
) -> tuple[RegionFolder, ...]:
    """Return the folders whose account or region a table that Rolecall made does not have.

    Where there is no such table, none is.
    """
    if there is None or MARK not in there.properties:
        return ()
    accounts, regions = _known(there, "account"), _known(there, "region")
    return tuple(
        folder
        for folder in folders
        if folder.account not in accounts or folder.region not in regions
    )


def _known(there: CatalogueTable | None, column: str) -> list[str]:
    """Return the values that a projected table has of a partition column."""
    return there.properties.get(f"projection.{column}.values", "").split(",") if there else []


def _added(
    there: CatalogueTable | None, unknown: Mapping[RegionFolder, tuple[date, date]]
) -> tuple[AddedPartition, ...]:
    """Return the accounts and regions that a table lacks, with the days of its unknown folders.

    Those that begin today are left out: every load looks that far back.
    """
    days: dict[tuple[str, str], list[date]] = {}
    for folder, first_and_last in unknown.items():
        for column, value in (("account", folder.account), ("region", folder.region)):
            if value not in _known(there, column):
                days.setdefault((column, value), []).extend(first_and_last)
    today = datetime.now(UTC).date()
    return tuple(
        AddedPartition(column, value, min(found), max(found))
        for (column, value), found in days.items()
        if min(found) < today
    )


def folders_text(folders: Sequence[RegionFolder]) -> str:
    """Return folders for a person, the first ones by name."""
    names = [f"{folder.account} in {folder.region}" for folder in folders[:_NAMED_AT_MOST]]
    more = len(folders) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _folders_right_below(bucket: TrailBucket, key: str) -> list[RegionFolder]:
    """Return the folders of accounts in this one, without those of an organization in it."""
    return [
        folder
        for folder in bucket.region_folders(key)
        if folder.key == f"{key}{folder.account}/CloudTrail/{folder.region}/"
    ]


def _run(athena: Athena, statement: str, table: str) -> None:
    try:
        athena.run(statement)
    except QueryFailedError as error:
        if refusal(error.reason) is None:
            raise
        database = table.partition(".")[0]
        raise RolecallError(
            f"AWS does not allow you to make {table} in the database {database}:"
            f" {error.reason.rstrip('.')}; ask for glue:CreateDatabase, glue:CreateTable and"
            " glue:UpdateTable on it."
        ) from None


def _names(settings: Settings) -> tuple[str, str]:
    """Return the names of table and workgroup: those that were set, else Rolecall's own."""
    told = settings.model_fields_set
    return (
        settings.table if "table" in told else f"{settings.schema_name}.{DEFAULT_TABLE}",
        settings.workgroup if "workgroup" in told else DEFAULT_NAME,
    )


def _trail(settings: Settings, request: SetupRequest) -> Trail:
    """Return the trail that is meant. Raises UsageError if that is not clear."""
    prefix = f"{request.prefix.strip('/')}/" if request.prefix and request.prefix.strip("/") else ""
    if request.bucket is not None:
        if request.trail is not None:
            raise UsageError("Both --trail and --bucket are given: leave one out.")
        return Trail(None, request.bucket, prefix)
    trails = _described_trails(settings)
    if request.trail is not None:
        trails = [trail for trail in trails if request.trail in (trail["Name"], trail["TrailARN"])]
        if not trails:
            raise RolecallError(
                f"There is no trail {request.trail} in this account and region: see the CloudTrail"
                " console, or name its bucket with --bucket."
            )
    # Whoever has a trail of the organization means that one.
    meant = [trail for trail in trails if trail.get("IsOrganizationTrail")] or trails
    if not meant:
        raise RolecallError(
            "There is no trail in this account and region: name the bucket that has the logs with"
            " --bucket, and --prefix if AWSLogs/ is in a folder of it."
        )
    if len(meant) > 1:
        names = ", ".join(sorted(trail["Name"] for trail in meant))
        raise UsageError(f"There are several trails ({names}): name one with --trail.")
    (found,) = meant
    told = found.get("S3KeyPrefix", "").strip("/")
    return Trail(
        found["Name"],
        found["S3BucketName"],
        prefix or (f"{told}/" if told else ""),
        bool(found.get("IsOrganizationTrail")),
        found.get("KmsKeyId"),
    )


def _described_trails(settings: Settings) -> list[dict[str, Any]]:
    client = aws_in(settings.region).cloudtrail
    try:
        trails: list[dict[str, Any]] = client.describe_trails()["trailList"]
    except (ClientError, BotoCoreError) as error:
        message = str(user_error(error, "look for the trail")).rstrip(".")
        raise RolecallError(f"{message}; or name its bucket with --bucket.") from None
    return trails


def _logs_key(
    bucket: TrailBucket, trail: Trail, organization: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return the folder that has the accounts' folders, and those beside it, as S3 URLs.

    A bucket may have logs of an organization and, from before that, of single accounts. Raises
    RolecallError if it has none that the trail may have written.
    """
    logs = f"{trail.prefix}AWSLogs/"
    if organization is not None:
        if not ORGANIZATION.fullmatch(organization):
            raise UsageError(f"{organization!r} is no id of an organization, such as o-a1b2c3d4e5.")
        return f"{logs}{organization}/", ()
    names = bucket.folder_names(logs)
    organizations = [name for name in names if ORGANIZATION.fullmatch(name)]
    accounts = [name for name in names if ACCOUNT.fullmatch(name)]
    _check_trail_has_folders(trail, logs, accounts, organizations)
    is_single = trail.name is not None and not trail.is_of_organization
    if not organizations or is_single:
        return logs, tuple(f"s3://{trail.bucket}/{logs}{name}/" for name in organizations)
    if len(organizations) > 1:
        raise UsageError(
            f"s3://{trail.bucket}/{logs} has logs of several organizations"
            f" ({', '.join(organizations)}): name one with --organization."
        )
    beside = tuple(f"s3://{trail.bucket}/{logs}{name}/" for name in accounts)
    return f"{logs}{organizations[0]}/", beside


def _check_trail_has_folders(
    trail: Trail, logs: str, accounts: list[str], organizations: list[str]
) -> None:
    """Raise RolecallError if only others have folders where a trail writes to.

    A new trail's first log comes after some minutes, and in its bucket others may be older.
    """
    own, others, of_others = (
        (organizations, accounts, "single accounts")
        if trail.is_of_organization
        else (accounts, organizations, "an organization")
    )
    if trail.name is None or own or not others:
        return
    name = f"The trail {trail.name}" + (" of the organization" if trail.is_of_organization else "")
    options = f"--bucket {trail.bucket}" + (
        f" --prefix {trail.prefix[:-1]}" if trail.prefix else ""
    )
    raise RolecallError(
        f"{name} has no log in s3://{trail.bucket}/{logs} yet, which has folders of"
        f" {of_others} alone: wait some minutes for its first log, or name the others' with"
        f" {options}."
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
    trail: Trail,
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


def _statements(table: TrailTable, there: CatalogueTable | None) -> list[str]:
    if there is not None:
        if MARK not in there.properties:
            return []
        if there.location != table.location:
            raise UsageError(
                f"{table.name} reads {there.location}, and not {table.location}: name another"
                " table with --table."
            )
    return table.statements(there)


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


def _create_workgroup(client: Any, plan: SetupPlan) -> None:
    configuration = {
        "ResultConfiguration": {
            "OutputLocation": f"{plan.results}results/",
            "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
        },
        # dbt puts each table into a folder of its own, which an enforced place would forbid.
        "EnforceWorkGroupConfiguration": False,
        "BytesScannedCutoffPerQuery": plan.cutoff,
        "PublishCloudWatchMetricsEnabled": True,
    }
    with doing(f"make the workgroup {plan.workgroup}"):
        try:
            client.create_work_group(
                Name=plan.workgroup,
                Description="Rolecall: who switched into which role",
                Configuration=configuration,
            )
        except ClientError as error:
            if "already created" not in str(error) and "already exists" not in str(error):
                raise
