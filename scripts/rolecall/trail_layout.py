"""Where a trail puts its files, and what their keys and names say.

Facts about keys come from the AWS CloudTrail User Guide, pages "Getting and viewing your CloudTrail
log files" and "CloudTrail record contents".
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date

# The key of a trail's file from AWSLogs/ on, with or without an organisation.
_TRAIL_KEY = re.compile(
    r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/(?P<folder>[^/]+)/"
    r"(?:(?P<region>[^/]+)/(?P<day>\d{4}/\d\d/\d\d)/)?(?:.*/)?[^/]*",
    re.DOTALL | re.ASCII,
)
# ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM; digests and others differ in the second part.
_TRAIL_NAME = re.compile(
    r"(?P<account>\d{12})_(?P<folder>CloudTrail(?:-[A-Za-z]+)?|Config)_(?P<region>[^_]+)_"
    r"(?:(?P<day>\d{8})T\d{4,6}Z[_.])?",
    re.ASCII,
)
# The whole of such a name: it tells a log wherever it lies.
_LOG_NAME = re.compile(
    r"\d{12}_CloudTrail_[^_/]+_\d{8}T\d{4,6}Z_[A-Za-z0-9]+\.json(?:\.gz)?",
    re.IGNORECASE | re.ASCII,
)
# What AWS writes beside CloudTrail/, by the user guides of these services.
_OTHER_FOLDER = re.compile(
    "CloudTrail-.+|Config|GuardDuty|WAFLogs|elasticloadbalancing|network-firewall|redshift"
    "|vpcdnsquerylogs|vpcflowlogs",
    re.DOTALL,
)
DIGEST_FOLDER = "CloudTrail-Digest"
"""Where in a trail's layout its digest files are, and what their names have."""
LOG_YEARS = range(2013, 2100)
"""The years that a log may be of: CloudTrail is of 2013, and a day far off fills no calendar."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the key or the name of a log file says; None where it says nothing."""

    account_id: str | None
    aws_region: str | None
    delivered_date: date | None


NO_FACTS = KeyFacts(None, None, None)


def trail_key(path: str) -> str | None:
    """Return the key that ``path`` has in a trail's layout, None outside of one."""
    posix = path.replace(os.sep, "/")
    start = posix.rfind("/AWSLogs/")
    while start >= 0:
        if _TRAIL_KEY.fullmatch(posix, start + 1):
            return posix[start + 1 :]
        start = posix.rfind("/AWSLogs/", 0, start)
    return None


def key_facts(key: str) -> KeyFacts | None:
    """Return what ``key`` says of a log file, or None if it names no event log.

    Digest, Insight, Config and other files of a trail are not event logs, unless their name is all
    that CloudTrail gives to one.
    """
    name = key.rpartition("/")[2]
    in_layout, in_name = _TRAIL_KEY.fullmatch(key), _TRAIL_NAME.match(name)
    if not _LOG_NAME.fullmatch(name) and other_kind(key) is not None:
        return None
    known = [
        KeyFacts(match["account"], match["region"], log_date(match["day"]))
        for match in (in_layout, in_name)
        if match and match["day"] and match["folder"] == "CloudTrail"
    ]
    # One with a day that no log can have still tells the account and the region.
    known.sort(key=lambda facts: facts.delivered_date is None)
    account_alone = KeyFacts(in_layout["account"] if in_layout else None, None, None)
    return known[0] if known else account_alone


def other_kind(key: str) -> str | None:
    """Return what AWS calls the files that ``key`` is one of, None if it may be an event log."""
    name = _TRAIL_NAME.match(key.rpartition("/")[2])
    for match in (_TRAIL_KEY.fullmatch(key), name):
        if match and _OTHER_FOLDER.fullmatch(match["folder"]):
            return match["folder"]
    return None


def log_date(digits: str) -> date | None:
    """Return the day in a key or name of a log, None if no log is of it, as of 2026/02/30."""
    try:
        day = date.fromisoformat(digits.replace("/", "-"))
    except ValueError:
        return None
    return day if day.year in LOG_YEARS else None


def is_log_name(key: str) -> bool:
    """Return whether a file has CloudTrail's whole name for a log, wherever it lies."""
    return _LOG_NAME.fullmatch(key.rpartition("/")[2]) is not None


def is_in_log_folder(key: str) -> bool:
    """Return whether a key lies in the folder of a trail's logs."""
    in_layout = _TRAIL_KEY.fullmatch(key)
    return in_layout is not None and in_layout["folder"] == "CloudTrail"
