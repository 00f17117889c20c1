"""Check a trail's log files by CloudTrail's digest files, and say what is proved and what is not.

Each hour CloudTrail delivers, of each account and region, a digest file with the hashes of the log
files that it delivered, the hash and the signature of the digest file before, and signs it (AWS
CloudTrail User Guide, "Validating CloudTrail log file integrity"). The signature stands in the
metadata of the object and, an hour later, in the next digest file: the newest one apart, a copy
without metadata can be checked too. What a digest file names is looked up among the files that are
there, and nothing else is opened.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum, IntEnum
from typing import NamedTuple

from rolecall.aws.trail_bucket import LogDay
from rolecall.days import Days
from rolecall.errors import RolecallError
from rolecall.local.unpacked import unpacked_pieces
from rolecall.result import Result
from rolecall.verification.digests import (
    MAX_DIGEST_BYTES,
    Digest,
    DigestError,
    Previous,
    PublicKeys,
    SignedLog,
    is_signed,
    parse_digest,
)
from rolecall.verification.trail_files import (
    DIGESTS_AFTER,
    RegionFiles,
    TrailFile,
    TrailFiles,
    UnreadableFileError,
    by_name,
    log_time,
    same_unpacked,
    trail_file_key,
)

_ONE_DAY = timedelta(days=1)
# A log file is delivered some minutes after the time in its name.
_DELIVERY = timedelta(hours=1)
# An hour until the next digest file is due, and one in which it may be late.
_NEXT_DIGEST = timedelta(hours=2)
# Of the day before there is no digest file (AWS What's New, October 2015).
_FIRST_DIGEST = datetime(2015, 1, 1)
# What ends a second before the next begins leaves no gap.
_TOLERANCE = timedelta(seconds=1)
# A log file is never held as a whole: more than a refresh reads of one can be hashed.
_MAX_LOG_BYTES = 1 << 30
# What a report names at most; the rest is counted.
_MOST_ROWS = 10_000

KeySource = Callable[[str | None, datetime], PublicKeys]
"""Gives the public keys of a region from a time on. Raises RolecallError."""


class Trust(IntEnum):
    """How far a digest file can be trusted: a lower one proves nothing."""

    WRONG = 0
    UNSIGNED = 1  # it agrees with what is there, but nobody has vouched for it
    NEWEST = 2  # the same, and no other can have done so yet
    SIGNED = 3


class Problem(Enum):
    """What can be found; ``is_wrong`` where more is wrong than a lack of proof."""

    LOG_CHANGED = "log changed"
    LOG_MISSING = "log missing"
    LOG_UNSIGNED = "log unsigned"
    LOG_UNREADABLE = "log unreadable"
    LOG_ARCHIVED = "log archived"
    DIGEST_CHANGED = "digest changed"
    DIGEST_MISSING = "digest missing"
    DIGEST_UNREADABLE = "digest unreadable"
    DIGEST_ARCHIVED = "digest archived"
    SIGNATURE_INVALID = "signature invalid"
    SIGNATURE_MISSING = "signature missing"
    KEYS_MISSING = "keys missing"
    PERIOD_NOT_COVERED = "period not covered"

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has meddled, or may have."""
        return self not in (
            Problem.LOG_ARCHIVED,
            Problem.DIGEST_ARCHIVED,
            Problem.SIGNATURE_MISSING,
            Problem.PERIOD_NOT_COVERED,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a report names; times are in UTC, and of a period where there are two."""

    problem: Problem
    account: str | None
    region: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    file: str | None
    detail: str


@dataclass(slots=True)
class VerificationReport:
    """What came of it; ``logs`` and ``digests`` count files by what is known of them.

    ``waiting`` log files are newer than the newest digest file, ``uncovered`` ones of a period that
    no digest file is about; ``unnamed`` findings are more than ``found`` has.
    ``are_signatures_checked`` is False where there are no keys. ``empty_days`` are proved to have
    no log file, ``other_days`` to have one.
    """

    days: Days
    are_signatures_checked: bool
    found: list[Found] = field(default_factory=list)
    problems: Counter[Problem] = field(default_factory=Counter)
    regions: set[tuple[str | None, str | None]] = field(default_factory=set)
    digests: Counter[Trust] = field(default_factory=Counter)
    log_count: int = 0
    logs: Counter[Trust] = field(default_factory=Counter)
    uncovered: int = 0
    waiting: int = 0
    unnamed: int = 0
    empty_days: set[LogDay] = field(default_factory=set)
    other_days: set[LogDay] = field(default_factory=set)

    def add(self, found: Found) -> None:
        """Add what was found: counted, and named if it is not too much."""
        self.problems[found.problem] += 1
        self.name(found)

    def name(self, found: Found) -> None:
        """Name what is counted elsewhere, if it is not too much."""
        if len(self.found) < _MOST_ROWS:
            self.found.append(found)
        else:
            self.unnamed += 1

    @property
    def digest_count(self) -> int:
        """How many digest files there are."""
        return self.digests.total()

    @property
    def wrong_count(self) -> int:
        """How much is wrong."""
        return sum(count for problem, count in self.problems.items() if problem.is_wrong)

    @property
    def has_failed(self) -> bool:
        """Whether anything is wrong, or a log file not proved that could be.

        Without keys none can; with keys, of the newest digest file alone the signature may lack.
        """
        unsigned = self.logs[Trust.UNSIGNED] if self.are_signatures_checked else 0
        return bool(self.wrong_count or self.uncovered or unsigned)

    @property
    def is_all_proved(self) -> bool:
        """Whether signatures prove all that was asked for."""
        return self.are_signatures_checked and not self.problems and not self.waiting

    def result(self) -> Result:
        """Return what was found, as rows."""
        return Result(
            ["problem", "account_id", "aws_region", "starts_at", "ends_at", "file", "detail"],
            ["text", "text", "text", "timestamp", "timestamp", "text", "text"],
            [
                (
                    *(each.problem.value, each.account, each.region),
                    *(each.starts_at, each.ends_at, each.file, each.detail),
                )
                for each in self.found
            ],
        )


def verify(
    files: TrailFiles,
    days: Days,
    keys_of: KeySource | None,
    on_region: Callable[[str | None, str | None], None] = lambda account, region: None,
) -> VerificationReport:
    """Check the log files of some days of delivery by the digest files that are there.

    Without ``keys_of`` the hashes alone are checked. Raises RolecallError where there is no digest
    file at all, or the files or keys cannot be asked for.
    """
    verified = VerificationReport(days, are_signatures_checked=keys_of is not None)
    with ThreadPoolExecutor(files.thread_count) as pool:
        for region in files.regions(days):
            on_region(region.account, region.region)
            _Region(region, files, verified, pool).check(keys_of)
    if not verified.digest_count and not verified.wrong_count:
        raise RolecallError(
            f"There is no digest file of CloudTrail in {files.name} for these days: name the folder"
            " that CloudTrail-Digest/ is in too, or turn on log file validation of the trail."
        )
    return verified


@dataclass(slots=True)
class _Log:
    """A log file that is there; ``trust`` is that of the digest file that has its hash."""

    file: TrailFile
    trust: Trust | None = None
    is_wrong: bool = False
    sha256: bytes | None = None
    problem: UnreadableFileError | None = None


class _Pointer(NamedTuple):
    """What a digest file says of the one before it, and how far it is to be trusted."""

    previous: Previous
    trust: Trust
    starts_at: datetime
    told_by: str


class _Period(NamedTuple):
    starts_at: datetime
    ends_at: datetime


class _Region:
    """The files of one account and region, while they are checked."""

    def __init__(
        self,
        files: RegionFiles,
        store: TrailFiles,
        verified: VerificationReport,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._files = files
        self._store = store
        self._verified = verified
        self._pool = pool
        self._days = verified.days
        self._logs: dict[str, list[_Log]] = {
            key: [_Log(file) for file in copies]
            for key, copies in by_name([log for log in files.logs if self._is_asked(log)]).items()
        }
        self._newest: TrailFile | None = None
        self._pointers: dict[str, _Pointer] = {}
        self._periods: list[_Period] = []
        self._signed_periods: list[_Period] = []
        self._listed_days: set[date] = set()

    def check(self, keys_of: KeySource | None) -> None:
        """Check them, the newest digest file first, which vouches for the one before it."""
        digests = self._ordered(self._files.digests)
        if not digests and not self._logs:
            return
        self._verified.regions.add((self._files.account, self._files.region))
        keys = None if keys_of is None else self._keys(keys_of, digests)
        self._newest = digests[0] if digests else None
        for file in digests:
            self._check_digest(file, keys)
        known = {same_unpacked(file.key) for file in digests}
        oldest = {file.chain: same_unpacked(file.key) for file in digests}.values()
        for key, pointer in self._pointers.items():
            if key not in known and pointer.trust is not Trust.WRONG:
                self._miss(key, pointer, is_oldest=pointer.told_by in oldest)
        self._tell_of_logs()
        self._note_empty_days()

    def _key(self, s3_object: str) -> str:
        """Return what names a file here by its object in S3: its name, outside of a layout."""
        key = trail_file_key(s3_object)
        return same_unpacked(key if self._files.root else key.rpartition("/")[2])

    def _is_asked(self, log: TrailFile) -> bool:
        day = log.day
        return day is None or self._days.has(day)

    def _ordered(self, files: Iterable[TrailFile]) -> list[TrailFile]:
        """Return the digest files that may be of the days, the newest one first."""
        starts_at, ends_at = self._days.starts_at, self._days.ends_at
        timed: list[tuple[datetime, TrailFile]] = []
        for file in files:
            time = file.digest_time
            if time is None:
                self._tell(Problem.DIGEST_UNREADABLE, file.key, "it has no name of a digest file")
            elif (starts_at is None or time > starts_at) and (
                ends_at is None or time <= ends_at + DIGESTS_AFTER
            ):
                timed.append((time, file))
        timed.sort(key=lambda each: (each[0], each[1].key, each[1].place), reverse=True)
        return [file for _, file in timed]

    def _keys(self, keys_of: KeySource, digests: Sequence[TrailFile]) -> PublicKeys:
        if not digests:
            return PublicKeys()
        oldest = digests[-1].digest_time
        assert oldest is not None
        try:
            return keys_of(self._files.region, max(oldest - _ONE_DAY, _FIRST_DIGEST))
        except RegionKeysError as error:
            self._tell(Problem.KEYS_MISSING, None, str(error))
            return PublicKeys()

    def _tell(
        self,
        problem: Problem,
        file: str | None,
        detail: str,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> None:
        self._verified.add(
            Found(
                problem, self._files.account, self._files.region, starts_at, ends_at, file, detail
            )
        )

    # --- digest files --------------------------------------------------------------------------

    def _check_digest(self, file: TrailFile, keys: PublicKeys | None) -> None:
        """Check a digest file and, if it can be trusted, the log files that it names."""
        key = same_unpacked(file.key)
        time = file.digest_time
        try:
            digest, signature = self._read(file)
        except UnreadableFileError as error:
            if self._is_asked_period(None, time):
                problem = (
                    Problem.DIGEST_ARCHIVED if error.is_archived else Problem.DIGEST_UNREADABLE
                )
                self._tell(problem, file.key, str(error), ends_at=time)
                self._verified.digests[Trust.UNSIGNED if error.is_archived else Trust.WRONG] += 1
            return
        trust = self._trust(file, digest, signature, keys)
        if self._is_asked_period(digest.started_at, digest.ended_at):
            self._verified.digests[trust] += 1
        if digest.previous is not None:
            before = self._key(digest.previous.key)
            told = _Pointer(digest.previous, trust, digest.started_at, key)
            if before not in self._pointers or self._pointers[before].trust < trust:
                self._pointers[before] = told
        if trust is Trust.WRONG:
            return
        period = _Period(digest.started_at, digest.ended_at)
        self._periods.append(period)
        if trust is Trust.SIGNED:
            self._signed_periods.append(period)
        self._check_logs(digest.logs, trust, file.key)

    def _read(self, file: TrailFile) -> tuple[Digest, str | None]:
        """Return what is in a digest file, and its signature if that is beside it.

        Raises UnreadableFileError: what others wrote can be wrong in any way.
        """
        _check_can_be_opened(file)
        try:
            with self._store.open_file(file) as opened:
                text = b"".join(unpacked_pieces(opened.read, MAX_DIGEST_BYTES))
                signature = opened.metadata.get("signature")
            digest = parse_digest(text)
            if self._key(digest.key) != same_unpacked(file.key):
                raise DigestError("it is not where CloudTrail delivered it")
        except (RolecallError, UnreadableFileError):
            raise
        except Exception as error:
            raise UnreadableFileError(str(error)) from None
        return digest, signature

    def _trust(
        self, file: TrailFile, digest: Digest, signature: str | None, keys: PublicKeys | None
    ) -> Trust:
        """Return how far a digest file can be trusted, and say what is wrong with it.

        A signature proves it wherever that was found; that one does not proves something only where
        the signature itself is the file's.
        """
        pointer = self._pointers.get(same_unpacked(file.key))
        is_told = pointer is not None and pointer.trust is not Trust.WRONG
        if pointer is not None and is_told and pointer.previous.sha256 != digest.sha256:
            self._tell_digest(Problem.DIGEST_CHANGED, file, digest, "its hash in the next differs")
            return Trust.WRONG
        if keys is None:
            return Trust.UNSIGNED
        fitting = keys.of(digest)
        if not fitting:
            detail = f"no public key has its fingerprint {digest.fingerprint}"
            self._tell_digest(Problem.SIGNATURE_INVALID, file, digest, detail)
            return Trust.WRONG
        told = pointer.previous.signature if pointer is not None else None
        if any(is_signed(digest, each, fitting) for each in (signature, told) if each is not None):
            return Trust.SIGNED
        if signature is not None or is_told or self._store.has_metadata:
            missing = "there is none beside it" if signature is None else "it is not CloudTrail's"
            self._tell_digest(Problem.SIGNATURE_INVALID, file, digest, missing)
            return Trust.WRONG
        detail = "it is in S3's metadata or in the next digest file, and neither is here"
        self._tell_digest(Problem.SIGNATURE_MISSING, file, digest, detail)
        # One of a longer time would vouch for more than any that CloudTrail makes.
        is_usual = digest.ended_at - digest.started_at <= _NEXT_DIGEST
        return Trust.NEWEST if file is self._newest and is_usual else Trust.UNSIGNED

    def _is_asked_period(self, starts_at: datetime | None, ends_at: datetime | None) -> bool:
        """Return whether a digest file is of the days: those after it vouch for its last ones."""
        last = self._days.ends_at
        if last is None:
            return True
        if starts_at is None:
            return ends_at is None or ends_at - _DELIVERY < last
        return starts_at < last

    def _tell_digest(self, problem: Problem, file: TrailFile, digest: Digest, detail: str) -> None:
        if not self._is_asked_period(digest.started_at, digest.ended_at):
            return
        if problem.is_wrong and digest.logs:
            detail += f"; nothing proves the {len(digest.logs):,} log files that it names"
        self._tell(problem, file.key, detail, digest.started_at, digest.ended_at)

    def _miss(self, key: str, pointer: _Pointer, *, is_oldest: bool) -> None:
        """Say that a digest file is missing; if nothing of its trail is older, it was left out."""
        starts_at = self._days.starts_at
        if starts_at is not None and pointer.starts_at <= starts_at:
            return
        if not self._is_asked_period(pointer.starts_at, None):
            return
        detail = f"{pointer.told_by} follows it"
        if is_oldest and starts_at is None:
            detail = f"there were digest files before: {detail}"
            self._tell(Problem.PERIOD_NOT_COVERED, key, detail, ends_at=pointer.starts_at)
        else:
            self._tell(Problem.DIGEST_MISSING, key, detail, ends_at=pointer.starts_at)

    # --- log files -----------------------------------------------------------------------------

    def _check_logs(self, signed_logs: Sequence[SignedLog], trust: Trust, digest: str) -> None:
        """Compare the log files that a digest file names with the hashes that it has of them."""
        to_read: list[_Log] = []
        asked: list[tuple[SignedLog, list[_Log]]] = []
        for signed in signed_logs:
            time = log_time(signed.s3_object)
            if time is not None and trust is Trust.SIGNED:
                self._listed_days.add(time.date())
            if time is None or not self._days.has(time.date()):
                continue
            copies = self._logs.get(self._key(signed.s3_object), [])
            asked.append((signed, copies))
            to_read += [log for log in copies if log.sha256 is None and log.problem is None]
        list(self._pool.map(self._hash, to_read))
        for signed, copies in asked:
            if not copies:
                key = trail_file_key(signed.s3_object)
                self._tell(Problem.LOG_MISSING, key, f"{digest} names it", log_time(key))
            for log in copies:
                self._compare(log, signed, trust, digest)

    def _hash(self, log: _Log) -> None:
        digest = hashlib.sha256()
        try:
            _check_can_be_opened(log.file)
            with self._store.open_file(log.file) as opened:
                for piece in unpacked_pieces(opened.read, _MAX_LOG_BYTES):
                    digest.update(piece)
        except UnreadableFileError as error:
            log.problem = error
        except RolecallError:
            raise
        except Exception as error:  # what others wrote can be wrong in any way
            log.problem = UnreadableFileError(str(error))
        else:
            log.sha256 = digest.digest()

    def _compare(self, log: _Log, signed: SignedLog, trust: Trust, digest: str) -> None:
        log.trust = max(trust, log.trust or Trust.WRONG)
        if log.is_wrong or (log.problem is None and log.sha256 == signed.sha256):
            return
        log.is_wrong = True
        time = log.file.log_time
        if log.problem is None:
            detail = f"its hash in {digest} differs"
            self._tell(Problem.LOG_CHANGED, log.file.key, detail, time)
            return
        archived = log.problem.is_archived
        problem = Problem.LOG_ARCHIVED if archived else Problem.LOG_UNREADABLE
        self._tell(problem, log.file.key, str(log.problem), time)

    def _tell_of_logs(self) -> None:
        """Count the log files, and say which are in no digest file and which periods are in none.

        A file is forged if digest files cover all of the time in which it can have been delivered.
        """
        periods = _joined(self._periods)
        newest = periods[-1].ends_at if periods else None
        uncovered: list[datetime] = []
        for log in (log for copies in self._logs.values() for log in copies):
            self._verified.log_count += 1
            if log.trust is not None:
                if not log.is_wrong:
                    self._verified.logs[log.trust] += 1
                continue
            time = log.file.log_time
            if time is None and log.file.problem is not None:
                self._tell(Problem.LOG_UNREADABLE, log.file.key, log.file.problem)
            elif time is None:
                detail = "it has no name that CloudTrail gives to a log file"
                self._tell(Problem.LOG_UNSIGNED, log.file.key, detail)
            elif _is_within(time, time + _DELIVERY, periods):
                self._tell(Problem.LOG_UNSIGNED, log.file.key, "no digest file names it", time)
            elif newest is not None and newest - _DELIVERY < time <= newest + _NEXT_DIGEST:
                self._verified.waiting += 1
            else:
                uncovered.append(time)
                self._name_uncovered(log.file.key, time)
        self._verified.uncovered += len(uncovered)
        self._tell_of_gaps(periods, sorted(uncovered))

    def _name_uncovered(self, key: str, time: datetime) -> None:
        """Name a log file that is counted with the period that no digest file is about."""
        problem, detail = Problem.PERIOD_NOT_COVERED, "no digest file is about its time"
        account, region = self._files.account, self._files.region
        self._verified.name(Found(problem, account, region, time, None, key, detail))

    def _tell_of_gaps(self, periods: Sequence[_Period], uncovered: Sequence[datetime]) -> None:
        known = [*uncovered[:1], *uncovered[-1:]]
        if periods:
            known += [periods[0].starts_at, periods[-1].ends_at]
        if not known:
            return
        first = self._days.starts_at or min(known)
        last = min(self._days.ends_at or max(known), max(max(known), _now()))
        counted = 0
        for gap in _gaps(periods, first, last):
            upto = bisect_left(uncovered, gap.ends_at) if gap.ends_at < last else len(uncovered)
            logs, counted = upto - counted, upto
            if gap.ends_at >= last and periods and not logs and self._may_follow(gap):
                continue
            detail = f"no digest file is about it, nor about {logs:,} log files"
            self._tell(
                Problem.PERIOD_NOT_COVERED,
                None,
                detail if logs else "no digest file is about it",
                gap.starts_at,
                gap.ends_at,
            )

    def _may_follow(self, gap: _Period) -> bool:
        """Return whether the digest file of the last period may still be on its way."""
        return self._store.has_metadata and gap.starts_at > _now() - _NEXT_DIGEST

    def _note_empty_days(self) -> None:
        """Note the days that signed digest files prove to have no log file, and those that do."""
        root, account, region = self._files.root, self._files.account, self._files.region
        if account is None or region is None:
            return
        others = self._listed_days | {
            time.date()
            for copies in self._logs.values()
            for log in copies
            if (time := log.file.log_time) is not None
        }
        days = self._verified.other_days
        days.update(LogDay(root, account, region, day) for day in others)
        for period in _joined(self._signed_periods):
            day = (period.starts_at + _ONE_DAY - timedelta(microseconds=1)).date()
            while datetime.combine(day, datetime.min.time()) + _ONE_DAY <= period.ends_at:
                if day not in others and self._days.has(day):
                    self._verified.empty_days.add(LogDay(root, account, region, day))
                day += _ONE_DAY


class RegionKeysError(RolecallError):
    """The public keys of one region cannot be had."""


def _check_can_be_opened(file: TrailFile) -> None:
    if file.problem is not None:
        raise UnreadableFileError(file.problem)
    if file.is_archived:
        raise UnreadableFileError("it is archived in Glacier: restore it", is_archived=True)


def _joined(periods: Iterable[_Period]) -> list[_Period]:
    """Return periods that touch or overlap as one, in order."""
    joined: list[_Period] = []
    for period in sorted(periods):
        if joined and period.starts_at <= joined[-1].ends_at + _TOLERANCE:
            joined[-1] = _Period(joined[-1].starts_at, max(joined[-1].ends_at, period.ends_at))
        else:
            joined.append(period)
    return joined


def _is_within(starts_at: datetime, ends_at: datetime, periods: Sequence[_Period]) -> bool:
    """Return whether one of joined periods has all of a time."""
    index = bisect_right(periods, starts_at, key=lambda period: period.starts_at) - 1
    return index >= 0 and ends_at <= periods[index].ends_at


def _gaps(periods: Sequence[_Period], first: datetime, last: datetime) -> Iterable[_Period]:
    """Yield what joined periods leave out of the time from ``first`` to ``last``."""
    for period in periods:
        if period.starts_at > first and first < last:
            yield _Period(first, min(period.starts_at, last))
        first = max(first, period.ends_at)
    if first < last or (not periods and first == last):
        yield _Period(first, last)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
