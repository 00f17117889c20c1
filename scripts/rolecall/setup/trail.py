"""The trail that is meant, and the folder of its bucket that has the logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.aws.clients import aws_in
from rolecall.aws.errors import user_error
from rolecall.aws.trail_bucket import ACCOUNT, ORGANIZATION, TrailBucket
from rolecall.errors import RolecallError, UsageError
from rolecall.settings import Settings

DEFAULT_CUTOFF = 1_000_000_000_000
"""How many bytes a query in a new workgroup may scan: a terabyte."""


@dataclass(frozen=True, slots=True)
class TrailDestination:
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


def find_trail(settings: Settings, request: SetupRequest) -> TrailDestination:
    """Return the trail that is meant. Raises UsageError if that is not clear."""
    prefix = f"{request.prefix.strip('/')}/" if request.prefix and request.prefix.strip("/") else ""
    if request.bucket is not None:
        if request.trail is not None:
            raise UsageError("Both --trail and --bucket are given: leave one out.")
        return TrailDestination(None, request.bucket, prefix)
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
    own_prefix = found.get("S3KeyPrefix", "").strip("/")
    return TrailDestination(
        found["Name"],
        found["S3BucketName"],
        prefix or (f"{own_prefix}/" if own_prefix else ""),
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


def logs_key(
    bucket: TrailBucket, trail: TrailDestination, organization: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return the folder that has the accounts' folders, and those beside it, as S3 URLs.

    A bucket may have logs of an organization and, from before that, of single accounts. Raises
    RolecallError if it has none that the trail may have written.
    """
    logs = f"{trail.prefix}AWSLogs/"
    if organization is not None:
        if not ORGANIZATION.fullmatch(organization):
            raise UsageError(
                f"{organization!r} is not an id of an organization, such as o-a1b2c3d4e5."
            )
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
    trail: TrailDestination, logs: str, accounts: list[str], organizations: list[str]
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
