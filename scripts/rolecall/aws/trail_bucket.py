"""Where in S3 a trail keeps its logs, and how much it keeps: found by listing, nothing is read.

The layout is ``[PREFIX/]AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`` (AWS
CloudTrail User Guide, "Finding your CloudTrail log files"); the day is that of delivery.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeVar

from rolecall.aws.errors import doing
from rolecall.days import ALL_DAYS, Days
from rolecall.trail_layout import log_date

_T = TypeVar("_T")
_U = TypeVar("_U")

# Names of folders in the layout.
ACCOUNT = re.compile(r"\d{12}", re.ASCII)
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d+", re.ASCII)
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_DAY = re.compile(r"(?P<day>\d{4}/\d\d/\d\d)/", re.ASCII)
_LOG = re.compile(
    r"(?:.*/)?(?P<root>AWSLogs/(?:o-[a-z0-9]+/)?)(?P<account>\d{12})/CloudTrail/(?P<region>[^/]+)/"
    r"(?P<day>\d{4}/\d\d/\d\d)/[^/]+",
    re.ASCII,
)
# What S3 hands out only after it was restored. GLACIER_IR is handed out at once; what
# Intelligent-Tiering has archived is listed like what it has not (Amazon S3 API Reference,
# "Object" and "RestoreStatus"; Amazon S3 User Guide, "Managing storage costs with Amazon S3
# Intelligent-Tiering").
_ARCHIVES = frozenset(("GLACIER", "DEEP_ARCHIVE"))
_DIGITS_OF_A_DAY = (4, 2, 2)
# Few folders have more of them before their first log, and a page of so many keys is small.
_MOST_MARKERS = 20
# As many as boto3 keeps connections for.
_THREADS = 10


def keys_of_days(folders: Iterable[RegionFolder], days: Days) -> list[str]:
    """Return the keys of the folders to which days of delivery are not closed."""
    return [each.key for each in folders if days.has_logs_of(each.account, each.region)]


class LogDay(NamedTuple):
    """The logs of one account and region that were delivered on a day.

    ``root`` is the folder that the account's lies in, from ``AWSLogs/`` on.
    """

    root: str
    account: str
    region: str
    day: date


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is listed; one that is archived may be ``is_restored`` for some days."""

    key: str
    size: int
    is_archived: bool
    is_restored: bool

    @property
    def can_be_read(self) -> bool:
        """Whether S3 hands it out; Athena reads what is restored only if its table says so."""
        return not self.is_archived or self.is_restored

    @property
    def log_day(self) -> LogDay | None:
        """Whose log it is and of which day, None if its key is not as CloudTrail names a log."""
        match = _LOG.fullmatch(self.key)
        if match is None:
            return None
        day = log_date(match["day"])
        if day is None:
            return None
        return LogDay(match["root"], match["account"], match["region"], day)


@dataclass(slots=True)
class Stock:
    """What is in some folders: the bytes that Athena can read and their days; archived log files.

    ``archived`` has their keys. ``has_dateless`` says that a log which can be read tells no day.
    """

    readable_bytes: int = 0
    readable_days: set[date] = field(default_factory=set)
    has_dateless: bool = False
    archived: dict[LogDay, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, stored: StoredObject, *, reads_restored: bool) -> None:
        """Add an object."""
        log_day = stored.log_day
        if stored.is_archived and not (stored.is_restored and reads_restored):
            if log_day is not None:
                self.archived[log_day].append(stored.key)
            return
        self.readable_bytes += stored.size
        if log_day is not None:
            self.readable_days.add(log_day.day)
        elif not stored.key.endswith("/"):
            self.has_dateless = True

    def add(self, other: Stock) -> None:
        """Add what is in other folders, or was delivered on other days."""
        self.readable_bytes += other.readable_bytes
        self.readable_days |= other.readable_days
        self.has_dateless |= other.has_dateless
        for log_day, keys in other.archived.items():
            self.archived[log_day] += keys


@dataclass(frozen=True, slots=True)
class RegionFolder:
    """The logs of one account and region; ``key`` is the folder's, up to its days."""

    account: str
    region: str
    key: str


class TrailBucket:
    """A bucket with the logs of a trail; ``s3`` is a client of boto3."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def folder_names(self, key: str) -> list[str]:
        """Return the names of the folders in a folder. Raises RolecallError."""
        return [
            prefix["Prefix"].removeprefix(key).rstrip("/")
            for page in self._pages(Prefix=key, Delimiter="/")
            for prefix in page.get("CommonPrefixes", [])
        ]

    def region_folders(self, key: str) -> list[RegionFolder]:
        """Return the folders of regions at or below ``key``; none if they are laid out otherwise.

        ``key`` ends in a slash and lies at ``AWSLogs/`` or below. Raises RolecallError.
        """
        parts = key.rstrip("/").split("/")
        if len(parts) > 2 and parts[-2] == "CloudTrail" and REGION.fullmatch(parts[-1]):
            return [RegionFolder(parts[-3], parts[-1], key)]
        if parts[-1] == "CloudTrail" and len(parts) > 1:
            regions = (name for name in self.folder_names(key) if REGION.fullmatch(name))
            return [RegionFolder(parts[-2], region, f"{key}{region}/") for region in regions]
        if ACCOUNT.fullmatch(parts[-1]):
            return self.region_folders(f"{key}CloudTrail/")
        if parts[-1] != "AWSLogs" and not ORGANIZATION.fullmatch(parts[-1]):
            return []
        below = [
            f"{key}{name}/"
            for name in self.folder_names(key)
            if ACCOUNT.fullmatch(name) or ORGANIZATION.fullmatch(name)
        ]
        return [folder for found in _at_once(self.region_folders, below) for folder in found]

    def first_days(self, folders: Sequence[RegionFolder]) -> dict[RegionFolder, date]:
        """Return the first day of each folder that has a log. Raises RolecallError."""
        days = zip(folders, _at_once(self._first_day_in, folders), strict=True)
        return {folder: day for folder, day in days if day is not None}

    def days_of(self, folders: Sequence[RegionFolder]) -> dict[RegionFolder, tuple[date, date]]:
        """Return the first and the last day of each folder that has a log. Raises RolecallError."""
        firsts = self.first_days(folders)
        lasts = _at_once(self._last_day_in, firsts)
        return {
            folder: (first, last or first)
            for (folder, first), last in zip(firsts.items(), lasts, strict=True)
        }

    def _first_day_in(self, folder: RegionFolder) -> date | None:
        return _day_in(self.first_key(folder) or "", folder)

    def _last_day_in(self, folder: RegionFolder) -> date | None:
        days = self._folders_of_days(folder.key, _DIGITS_OF_A_DAY)
        return next((_day_in(day, folder) for day in days if self._first_log(day, folder)), None)

    def _folders_of_days(self, key: str, digits: Sequence[int]) -> Iterator[str]:
        """Yield the folders that are named as days of delivery, the last one first."""
        if not digits:
            yield key
            return
        for name in sorted(self.folder_names(key), reverse=True):
            if len(name) == digits[0] and name.isdecimal():
                yield from self._folders_of_days(f"{key}{name}/", digits[1:])

    def first_key(self, folder: RegionFolder) -> str | None:
        """Return the key of the oldest log in a folder. Raises RolecallError."""
        return self._first_log(folder.key, folder)

    def _first_log(self, key: str, folder: RegionFolder) -> str | None:
        """Return the first key that begins so and is a log's, which lies in a day's folder.

        A key that ends in a slash is a folder that was made by hand (Amazon S3 User Guide,
        "Organizing objects in the Amazon S3 console by using folders").
        """
        found = (
            str(entry["Key"])
            for page in self._pages(Prefix=key, MaxKeys=_MOST_MARKERS)
            for entry in page.get("Contents", [])
        )
        return next(
            (each for each in found if not each.endswith("/") and _day_in(each, folder)), None
        )

    def folder_bytes(self, folders: Iterable[RegionFolder], days: Days) -> int:
        """Return how many bytes the logs of some days have. Raises RolecallError."""
        return self.bytes_below(keys_of_days(folders, days), days)

    def bytes_below(self, folders: Iterable[str], days: Days = ALL_DAYS) -> int:
        """Return how many bytes the objects in some folders have. Raises RolecallError.

        ``days`` is for the folders of regions: of no other day the objects are listed. What S3 does
        not hand out is left out.
        """

        def size_below(folder: str) -> int:
            return sum(each.size for each in self._objects(folder, days) if each.can_be_read)

        return sum(_at_once(size_below, folders))

    def sizes_below(self, folders: Iterable[str], days: Days = ALL_DAYS) -> dict[str, int]:
        """Return the size of each object that ``bytes_below`` counts, by its key."""
        found = _at_once(lambda folder: list(self._objects(folder, days)), folders)
        return {each.key: each.size for objects in found for each in objects if each.can_be_read}

    def stock(self, folders: Iterable[str], days: Days, *, reads_restored: bool) -> Stock:
        """Return what is in the folders of some regions, or days. Raises RolecallError."""

        def below(folder: str) -> Stock:
            stock = Stock()
            for stored in self._objects(folder, days):
                stock.count(stored, reads_restored=reads_restored)
            return stock

        all_ = Stock()
        for stock in _at_once(below, folders):
            all_.add(stock)
        return all_

    def archived_until(self, folder: RegionFolder, first: date, last: date) -> date | None:
        """Return the first day after a folder's archived logs; its first log is of ``first``.

        None if that one is not archived. Found by halves up to the day after ``last``, as what is
        older is archived first: few objects are listed. Raises RolecallError.
        """
        if not self._begins_archived(folder, first):
            return None
        last += timedelta(days=1)
        while (last - first).days > 1:
            middle = first + timedelta(days=(last - first).days // 2)
            if self._begins_archived(folder, middle):
                first = middle
            else:
                last = middle
        return last

    def _begins_archived(self, folder: RegionFolder, day: date) -> bool:
        """Return whether the first log that was delivered on a day or later is archived."""
        found = self._first_object(folder, day)
        return found is not None and not found.can_be_read

    def readable_key(self, folder: RegionFolder, since: date) -> str | None:
        """Return the key of the first log from a day on, None if S3 does not hand it out."""
        found = self._first_object(folder, since)
        return found.key if found is not None and found.can_be_read else None

    def _first_object(self, folder: RegionFolder, since: date) -> StoredObject | None:
        objects = self._objects(folder.key, Days(since), MaxKeys=_MOST_MARKERS)
        return next((each for each in objects if each.log_day is not None), None)

    def objects(self, folder: str, days: Days) -> list[StoredObject]:
        """Return the objects of some days in a region's folder. Raises RolecallError."""
        return list(self._objects(folder, days))

    def _objects(self, folder: str, days: Days, **request: Any) -> Iterator[StoredObject]:
        """Yield the objects of some days in a folder."""
        last = None if days.last is None else f"{folder}{days.last:%Y/%m/%d}/\U0010ffff"
        start = {} if days.first is None else {"StartAfter": f"{folder}{days.first:%Y/%m/%d}/"}
        wanted = {"Prefix": folder, "OptionalObjectAttributes": ["RestoreStatus"]}
        for page in self._pages(**wanted, **start, **request):
            for entry in page.get("Contents", []):
                if last is not None and entry["Key"] > last:
                    return
                yield _stored_object(entry)

    def _pages(self, **request: Any) -> Iterator[Any]:
        with doing(f"list s3://{self.bucket}/{request['Prefix']}"):
            yield from self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, **request
            )


def _stored_object(entry: Any) -> StoredObject:
    """Return an object of a listing; without a storage class it is a standard one."""
    restored = entry.get("RestoreStatus", {})
    return StoredObject(
        entry["Key"],
        entry["Size"],
        entry.get("StorageClass") in _ARCHIVES,
        not restored.get("IsRestoreInProgress") and "RestoreExpiryDate" in restored,
    )


def _day_in(key: str, folder: RegionFolder) -> date | None:
    """Return the day of delivery in a key of a folder, None where there is none."""
    match = _DAY.match(key, len(folder.key))
    return None if match is None else log_date(match["day"])


def _at_once(function: Callable[[_T], _U], values: Iterable[_T]) -> list[_U]:
    """Return the function's answers for all values, in their order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, values))
