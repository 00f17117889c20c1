"""Log files and records that tests write by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

WriteLog = Callable[..., Path]


def log_key(
    account: str,
    region: str,
    day: str,
    name: str = "a1B2c3D4e5F6g7H8",
    *,
    logs: str = "AWSLogs/o-a1b2c3d4e5/",
    minute: str = "0005",
) -> str:
    """Return where CloudTrail delivers a log file on a day such as 2026/03/01."""
    return (
        f"{logs}{account}/CloudTrail/{region}/{day}/"
        f"{account}_CloudTrail_{region}_{day.replace('/', '')}T{minute}Z_{name}.json.gz"
    )


def event(number: int, **members: Any) -> dict[str, Any]:
    """Return a record with an id of its own."""
    return {
        "eventVersion": "1.11",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventTime": "2026-03-01T00:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
    } | members
