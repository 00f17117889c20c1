"""AWS in a region, and the one way to its clients."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

import rolecall
from rolecall.aws.errors import doing, user_error

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a client tries a request, and how many seconds it waits at each attempt.

    With the attempts of the default botocore's pauses add up to about half a minute.
    """

    attempts: int = 8
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0

    @property
    def seconds(self) -> float:
        """How long a request that is never answered takes, but for the pauses."""
        return self.attempts * (self.connect_seconds + self.answer_seconds)


PATIENCE = Patience()
"""The patience where time does not matter."""


def aws_region(region: str | None = None) -> str | None:
    """Return ``region``, else the one of the environment or of its AWS profile, None without any.

    Raises RolecallError if there is no such profile.
    """
    with doing("find the AWS region"):
        found: str | None = _session(region).region_name
    return found


def _session(region: str | None) -> Any:
    """Return a session of its own: boto3's common one keeps what it once found around it."""
    return boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)


def make_client(service: str, region: str | None = None, patience: Patience = PATIENCE) -> Any:
    """Return a client of boto3; see ``make_clients``."""
    (client,) = make_clients(service, region, patience)
    return client


def make_clients(service: str, region: str | None, *patience: Patience) -> list[Any]:
    """Return clients of boto3, one for each ``patience``: the one way to them.

    Credentials, profile and endpoints (``AWS_ENDPOINT_URL...``) come from the environment as boto3
    reads it; without ``region`` so does that, AWS_REGION included. botocore alone retries, in its
    standard mode: throttling, HTTP 500 to 504 and broken connections. Raises RolecallError.
    """
    configs = [
        Config(
            retries={"mode": "standard", "total_max_attempts": each.attempts},
            connect_timeout=each.connect_seconds,
            read_timeout=each.answer_seconds,
            user_agent_extra=f"rolecall/{rolecall.__version__}",
        )
        for each in patience
    ]
    try:
        session = _session(region)
        return [session.client(service, config=config) for config in configs]
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is not a URL
        raise user_error(error, f"use {service}") from None


class Aws:
    """AWS in a region: its clients, each made when it is first asked for.

    Without ``region`` it is the environment's. A client raises RolecallError if it cannot be made.
    """

    def __init__(self, region: str | None = None) -> None:
        self._region = region

    @cached_property
    def athena(self) -> AthenaClient:
        """The client of Athena."""
        client: AthenaClient = make_client("athena", self._region)
        return client

    @cached_property
    def cloudtrail(self) -> Any:
        """The client of CloudTrail."""
        return make_client("cloudtrail", self._region)

    @cached_property
    def glue(self) -> Any:
        """The client of the Glue catalogue."""
        return make_client("glue", self._region)

    @cached_property
    def s3(self) -> Any:
        """The client of S3."""
        return make_client("s3", self._region)


@cache
def aws_in(region: str | None) -> Aws:
    """Return AWS in a region, the same for the whole process."""
    return Aws(region)
