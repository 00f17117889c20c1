"""The log and digest files of a trail, in folders or in a bucket, by account and region.

A file is known by its key from ``AWSLogs/`` on, or by its name where it lies outside of a trail's
layout: what a digest file says of another is looked up by that, and never opened as a path.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError

from rolecall.aws.errors import doing, error_code
from rolecall.aws.trail_bucket import ACCOUNT, ORGANIZATION, REGION, StoredObject, TrailBucket
from rolecall.days import Days
from rolecall.errors import RolecallError
from rolecall.local.log_files import find_log_files, printable
from rolecall.private_files import open_file
from rolecall.trail_layout import DIGEST_FOLDER, LOG_YEARS, trail_key

_LOG_FOLDER = "CloudTrail"
_LAYOUT = re.compile(
    rf"(?P<root>AWSLogs/(?:o-[a-z0-9]+/)?)(?P<account>\d{{12}})/{_LOG_FOLDER}(?:-Digest)?/"
    r"(?P<region>[^/]+)/",
    re.ASCII,
)
_NAME = re.compile(rf"(?P<account>\d{{12}})_{_LOG_FOLDER}(?:-Digest)?_(?P<region>[^_]+)_", re.ASCII)
_LOG_NAME = re.compile(
    rf"\d{{12}}_{_LOG_FOLDER}_[^_]+_(?P<time>\d{{8}}T\d{{4}})(?:\d\d)?Z_[A-Za-z0-9]+\.json(?:\.gz)?",
    re.ASCII,
)
_DIGEST_NAME = re.compile(
    rf"(?P<trail>\d{{12}}_{DIGEST_FOLDER}_.+)_(?P<time>\d{{8}}T\d{{6}})Z(?P<backfill>_backfill)?"
    r"\.json(?:\.gz)?",
    re.ASCII,
)
_DAY = re.compile(r"AWSLogs/.*/(?P<day>\d{4}/\d\d/\d\d)/[^/]*", re.DOTALL | re.ASCII)
_PACKED = ".gz"
_ONE_DAY = timedelta(days=1)
DIGESTS_AFTER = 2 * _ONE_DAY
"""How long after a day there are digest files that name log files of it, or sign such ones."""

# What S3 answers of an object that is gone, or is to be restored first.
_GONE = ("NoSuchKey", "NoSuchVersion", "404")
_ARCHIVED = "InvalidObjectState"
_REFUSED = ("AccessDenied", "403")


class UnreadableFileError(Exception):
    """A file that cannot be read, and why; ``is_archived`` one that only has to be restored."""

    def __init__(self, reason: str, *, is_archived: bool = False) -> None:
        super().__init__(reason)
        self.is_archived = is_archived


@dataclass(frozen=True, slots=True)
class TrailFile:
    """A file of a trail: ``location`` is its path or its key in the bucket.

    ``problem`` says why it cannot be opened, if that is known; ``key`` is its key from ``AWSLogs/``
    on, else its name.
    """

    key: str
    location: str
    problem: str | None = None
    is_archived: bool = False

    @property
    def name(self) -> str:
        """Its name, in whatever folder."""
        return self.key.rpartition("/")[2]

    @property
    def log_time(self) -> datetime | None:
        """The time of delivery in the name that CloudTrail gave to a log, None in any other."""
        return log_time(self.key)

    @property
    def day(self) -> date | None:
        """The day of delivery in the name of a log, else in its key, None where neither has one."""
        time = self.log_time
        if time is not None:
            return time.date()
        match = _DAY.fullmatch(self.key)
        day = None if match is None else _time(match["day"], "%Y/%m/%d")
        return None if day is None else day.date()

    @property
    def chain(self) -> str:
        """What digest files that follow each other have in common, by their names."""
        match = _DIGEST_NAME.fullmatch(self.name)
        return "" if match is None else f"{match['trail']}{match['backfill'] or ''}"

    @property
    def digest_time(self) -> datetime | None:
        """The end of what a digest file is about, by its name; None in any other name."""
        match = _DIGEST_NAME.fullmatch(self.name)
        return None if match is None else _time(match["time"], "%Y%m%dT%H%M%S")


@dataclass(slots=True)
class RegionFiles:
    """The files of one account and region below one ``root``, that is from ``AWSLogs/`` on.

    Names that tell no account or region have None.
    """

    root: str
    account: str | None
    region: str | None
    digests: list[TrailFile] = field(default_factory=list)
    logs: list[TrailFile] = field(default_factory=list)


class OpenFile(NamedTuple):
    """An open file: what reads it, and what S3 keeps beside it."""

    read: Callable[[int], bytes]
    metadata: Mapping[str, str]


class TrailFiles(Protocol):
    """Where a trail's files are.

    ``has_metadata`` says whether signatures are there beside digest files; ``thread_count`` is how
    many files may well be read at once.
    """

    has_metadata: bool
    thread_count: int

    @property
    def name(self) -> str:
        """Where they are, for a person."""

    def regions(self, days: Days) -> Iterator[RegionFiles]:
        """Yield the files of each account and region for these days. Raises RolecallError."""

    def open_file(self, file: TrailFile) -> AbstractContextManager[OpenFile]:
        """Open a file. Raises UnreadableFileError, and RolecallError where none can be read."""


def log_time(key: str) -> datetime | None:
    """Return the time of delivery in the name that CloudTrail gave to a log, None in any other."""
    match = _LOG_NAME.fullmatch(key.rpartition("/")[2])
    return None if match is None else _time(match["time"], "%Y%m%dT%H%M")


def trail_file_key(s3_object: str) -> str:
    """Return what names a file by its object in S3: the key from ``AWSLogs/`` on, else the name."""
    return trail_key(f"/{s3_object}") or s3_object.rpartition("/")[2]


def same_unpacked(key: str) -> str:
    """Return a key without the suffix of what is packed: hashes are of what is unpacked."""
    return key.removesuffix(_PACKED)


def _time(text: str, form: str) -> datetime | None:
    try:
        time = datetime.strptime(text, form)
    except ValueError:
        return None
    return time if time.year in LOG_YEARS else None


@dataclass(slots=True)
class FolderFiles:
    """The files of a trail in folders."""

    roots: Sequence[Path]
    has_metadata: bool = False
    thread_count: int = 2
    default_keys: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Where they are, for a person."""
        return " and ".join(printable(str(root)) for root in self.roots)

    def regions(self, days: Days) -> Iterator[RegionFiles]:
        """Yield the files of each account and region, all of them."""
        found: dict[tuple[str, str, str], RegionFiles] = {}
        for root in self.roots:
            digests: list[Any] = []
            for log in find_log_files(root, digests=digests):
                file = TrailFile(_key(log.log_file), log.path, log.problem)
                _region_of(file.key, found).logs.append(file)
            for digest in digests:
                file = TrailFile(_key(digest.log_file), digest.path, digest.problem)
                _region_of(file.key, found).digests.append(file)
        yield from (found[location] for location in sorted(found))

    @contextmanager
    def open_file(self, file: TrailFile) -> Iterator[OpenFile]:
        """Open a file. Raises UnreadableFileError."""
        try:
            stream = open_file(file.location)
        except OSError as error:
            raise UnreadableFileError(error.strerror or str(error)) from None
        with stream:
            try:
                yield OpenFile(stream.read, {})
            except OSError as error:
                raise UnreadableFileError(error.strerror or str(error)) from None


def _key(log_file: str) -> str:
    return log_file if log_file.startswith("AWSLogs/") else log_file.rpartition("/")[2] or log_file


def _region_of(key: str, found: dict[tuple[str, str, str], RegionFiles]) -> RegionFiles:
    """Return the files of the account and region that a key tells, made if there are none yet."""
    root, account, region = "", "", ""
    if match := _LAYOUT.match(key):
        root, account, region = match["root"], match["account"], match["region"]
    elif match := _NAME.match(key):
        account, region = match["account"], match["region"]
    return found.setdefault(
        (root, account, region), RegionFiles(root, account or None, region or None)
    )


@dataclass(slots=True)
class BucketFiles:
    """The files of a trail in a bucket; ``folder`` is at or above an account's, '' or with a slash.

    ``s3`` is a client of boto3.
    """

    s3: Any
    bucket: str
    folder: str
    has_metadata: bool = True
    # As many as boto3 keeps connections for.
    thread_count: int = 10
    default_keys: tuple[str, ...] = ("aws",)

    @property
    def name(self) -> str:
        """Where they are, for a person."""
        return f"s3://{self.bucket}/{self.folder}"

    def regions(self, days: Days) -> Iterator[RegionFiles]:
        """Yield the files of each account and region for these days. Raises RolecallError."""
        trail = TrailBucket(self.s3, self.bucket)
        after = None if days.last is None else min(days.last, date.max - DIGESTS_AFTER)
        digest_days = Days(days.first, None if after is None else after + DIGESTS_AFTER)
        for root, account, key in self._accounts(trail):
            names = trail.folder_names(key)
            regions = {
                region
                for folder in (_LOG_FOLDER, DIGEST_FOLDER)
                if folder in names
                for region in trail.folder_names(f"{key}{folder}/")
                if REGION.fullmatch(region)
            }
            for region in sorted(regions):
                yield RegionFiles(
                    root,
                    account,
                    region,
                    _list_files(trail, f"{key}{DIGEST_FOLDER}/{region}/", digest_days),
                    _list_files(trail, f"{key}{_LOG_FOLDER}/{region}/", days),
                )

    def _accounts(self, trail: TrailBucket) -> Iterator[tuple[str, str, str]]:
        """Yield root, account and folder of each account."""
        parts = self.folder.rstrip("/").split("/") if self.folder else []
        if "AWSLogs" not in parts:
            if "AWSLogs" not in trail.folder_names(self.folder):
                raise RolecallError(
                    f"There is no folder AWSLogs/ in s3://{self.bucket}/{printable(self.folder)}:"
                    " name the place that has it with --logs."
                )
            parts.append("AWSLogs")
        below = parts[parts.index("AWSLogs") + 1 :]
        top = "".join(f"{part}/" for part in parts[: parts.index("AWSLogs") + 1])
        if below and ACCOUNT.fullmatch(below[0]):
            yield "AWSLogs/", below[0], f"{top}{below[0]}/"
            return
        organizations = [below[0]] if below else [""]
        if not below:
            names = trail.folder_names(top)
            organizations += [name for name in names if ORGANIZATION.fullmatch(name)]
        for organization in organizations:
            root = f"AWSLogs/{organization}/" if organization else "AWSLogs/"
            folder = f"{top}{organization}/" if organization else top
            accounts = below[1:2] or trail.folder_names(folder)
            for account in accounts:
                if ACCOUNT.fullmatch(account):
                    yield root, account, f"{folder}{account}/"

    @contextmanager
    def open_file(self, file: TrailFile) -> Iterator[OpenFile]:
        """Open a file. Raises UnreadableFileError; RolecallError where S3 cannot be asked."""
        with doing(f"read s3://{self.bucket}"):
            try:
                answer = self.s3.get_object(Bucket=self.bucket, Key=file.location)
                with closing(answer["Body"]) as body:
                    yield OpenFile(body.read, answer.get("Metadata", {}))
            except ClientError as error:
                code = error_code(error)
                if code in _GONE:
                    raise UnreadableFileError("it vanished before it could be read") from None
                if code == _ARCHIVED:
                    raise UnreadableFileError("it is archived", is_archived=True) from None
                if code in _REFUSED:
                    raise UnreadableFileError("S3 refuses to hand it out (AccessDenied)") from None
                raise


def _list_files(trail: TrailBucket, folder: str, days: Days) -> list[TrailFile]:
    """Return the files in a region's folder of some days of delivery."""
    return [_trail_file(each) for each in trail.objects(folder, days) if not each.key.endswith("/")]


def _trail_file(stored: StoredObject) -> TrailFile:
    return TrailFile(trail_file_key(stored.key), stored.key, is_archived=not stored.can_be_read)


def by_name(files: Sequence[TrailFile]) -> dict[str, list[TrailFile]]:
    """Return files by their keys, packed or not; a key may be there in several copies."""
    found: dict[str, list[TrailFile]] = defaultdict(list)
    for file in files:
        found[same_unpacked(file.key)].append(file)
    return found


def region_key(files: RegionFiles, s3_object: str) -> str:
    """Return what names a file of a region by its object in S3: its name, outside of a layout."""
    key = trail_file_key(s3_object)
    return same_unpacked(key if files.root else key.rpartition("/")[2])


def check_can_be_opened(file: TrailFile) -> None:
    """Raise UnreadableFileError for a file of which it is known that it cannot be opened."""
    if file.problem is not None:
        raise UnreadableFileError(file.problem)
    if file.is_archived:
        raise UnreadableFileError("it is archived in Glacier: restore it", is_archived=True)
