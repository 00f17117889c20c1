"""The digest files of one account and region: each vouches for the one before it.

The signature of one stands in the metadata of its object and, an hour later, in the next digest
file: the newest one apart, a copy without metadata can be checked too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rolecall.days import Days
from rolecall.errors import RolecallError
from rolecall.local.unpacked import unpacked_pieces
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
from rolecall.verification.periods import DELIVERY, NEXT_DIGEST, Period
from rolecall.verification.report import Problem, RegionReport, Trust
from rolecall.verification.trail_files import (
    DIGESTS_AFTER,
    RegionFiles,
    TrailFile,
    TrailFiles,
    UnreadableFileError,
    check_can_be_opened,
    region_key,
    same_unpacked,
)

KeySource = Callable[[str | None, datetime], PublicKeys]
"""Gives the public keys of a region from a time on. Raises RolecallError."""

_ONE_DAY = timedelta(days=1)
# The day before has no digest file (AWS What's New, October 2015).
_FIRST_DIGEST = datetime(2015, 1, 1)


class RegionKeysError(RolecallError):
    """The public keys of one region cannot be had."""


class CheckedDigest(NamedTuple):
    """A digest file that is not known to be wrong: its key, its logs, and how far to trust it."""

    key: str
    logs: Sequence[SignedLog]
    trust: Trust


class _Pointer(NamedTuple):
    """What a digest file says of the one before it, and how far it is to be trusted."""

    previous: Previous
    trust: Trust
    starts_at: datetime
    named_by: str


class DigestChain:
    """The digest files while they are checked; ``periods`` are those of which one can be trusted.

    ``signed_periods`` are the ones among them of which a signature proves it.
    """

    def __init__(
        self, files: RegionFiles, store: TrailFiles, days: Days, report: RegionReport
    ) -> None:
        self._files = files
        self._store = store
        self._days = days
        self._report = report
        self._digests = self._ordered(files.digests)
        self._newest = self._digests[0] if self._digests else None
        self._pointers: dict[str, _Pointer] = {}
        self.periods: list[Period] = []
        self.signed_periods: list[Period] = []

    def __len__(self) -> int:
        return len(self._digests)

    def check(self, keys_of: KeySource | None) -> Iterator[CheckedDigest]:
        """Check them, the newest first, and yield those that are not wrong."""
        keys = None if keys_of is None else self._keys(keys_of)
        for file in self._digests:
            digest = self._check_digest(file, keys)
            if digest is not None:
                yield digest
        known = {same_unpacked(file.key) for file in self._digests}
        oldest = {file.chain: same_unpacked(file.key) for file in self._digests}.values()
        for key, pointer in self._pointers.items():
            if key not in known and pointer.trust is not Trust.WRONG:
                self._report_missing(key, pointer, is_oldest=pointer.named_by in oldest)

    def _ordered(self, files: Iterable[TrailFile]) -> list[TrailFile]:
        """Return the digest files that may be of the days, the newest one first."""
        starts_at, ends_at = self._days.starts_at, self._days.ends_at
        timed: list[tuple[datetime, TrailFile]] = []
        for file in files:
            time = file.digest_time
            if time is None:
                self._report.add(
                    Problem.DIGEST_UNREADABLE, file.key, "it has no name of a digest file"
                )
            elif (starts_at is None or time > starts_at) and (
                ends_at is None or time <= ends_at + DIGESTS_AFTER
            ):
                timed.append((time, file))
        timed.sort(key=lambda each: (each[0], each[1].key, each[1].location), reverse=True)
        return [file for _, file in timed]

    def _keys(self, keys_of: KeySource) -> PublicKeys:
        if not self._digests:
            return PublicKeys()
        oldest = self._digests[-1].digest_time
        assert oldest is not None
        try:
            return keys_of(self._files.region, max(oldest - _ONE_DAY, _FIRST_DIGEST))
        except RegionKeysError as error:
            self._report.add(Problem.KEYS_MISSING, None, str(error))
            return PublicKeys()

    def _check_digest(self, file: TrailFile, keys: PublicKeys | None) -> CheckedDigest | None:
        """Check a digest file; return it unless it is wrong."""
        key = same_unpacked(file.key)
        time = file.digest_time
        try:
            digest, signature = self._read(file)
        except UnreadableFileError as error:
            if self._is_asked_period(None, time):
                problem = (
                    Problem.DIGEST_ARCHIVED if error.is_archived else Problem.DIGEST_UNREADABLE
                )
                self._report.add(problem, file.key, str(error), ends_at=time)
                self._report.whole.digests[
                    Trust.UNSIGNED if error.is_archived else Trust.WRONG
                ] += 1
            return None
        trust = self._trust(file, digest, signature, keys)
        if self._is_asked_period(digest.started_at, digest.ended_at):
            self._report.whole.digests[trust] += 1
        if digest.previous is not None:
            before = region_key(self._files, digest.previous.key)
            pointer = _Pointer(digest.previous, trust, digest.started_at, key)
            if before not in self._pointers or self._pointers[before].trust < trust:
                self._pointers[before] = pointer
        if trust is Trust.WRONG:
            return None
        period = Period(digest.started_at, digest.ended_at)
        self.periods.append(period)
        if trust is Trust.SIGNED:
            self.signed_periods.append(period)
        return CheckedDigest(file.key, digest.logs, trust)

    def _read(self, file: TrailFile) -> tuple[Digest, str | None]:
        """Return what is in a digest file, and its signature if that is beside it.

        Raises UnreadableFileError: what others wrote can be wrong in any way.
        """
        check_can_be_opened(file)
        try:
            with self._store.open_file(file) as opened:
                text = b"".join(unpacked_pieces(opened.read, MAX_DIGEST_BYTES))
                signature = opened.metadata.get("signature")
            digest = parse_digest(text)
            if region_key(self._files, digest.key) != same_unpacked(file.key):
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
        has_pointer = pointer is not None and pointer.trust is not Trust.WRONG
        if pointer is not None and has_pointer and pointer.previous.sha256 != digest.sha256:
            self._report_digest(
                Problem.DIGEST_CHANGED, file, digest, "its hash in the next differs"
            )
            return Trust.WRONG
        if keys is None:
            return Trust.UNSIGNED
        fitting = keys.of(digest)
        if not fitting:
            detail = f"no public key has its fingerprint {digest.fingerprint}"
            self._report_digest(Problem.SIGNATURE_INVALID, file, digest, detail)
            return Trust.WRONG
        signatures = (signature, None if pointer is None else pointer.previous.signature)
        if any(is_signed(digest, each, fitting) for each in signatures if each is not None):
            return Trust.SIGNED
        if signature is not None or has_pointer or self._store.has_metadata:
            missing = "there is none beside it" if signature is None else "it is not CloudTrail's"
            self._report_digest(Problem.SIGNATURE_INVALID, file, digest, missing)
            return Trust.WRONG
        detail = "it is in S3's metadata or in the next digest file, and neither is here"
        self._report_digest(Problem.SIGNATURE_MISSING, file, digest, detail)
        # One of a longer time would vouch for more than any that CloudTrail makes.
        is_usual = digest.ended_at - digest.started_at <= NEXT_DIGEST
        return Trust.NEWEST if file is self._newest and is_usual else Trust.UNSIGNED

    def _is_asked_period(self, starts_at: datetime | None, ends_at: datetime | None) -> bool:
        """Return whether a digest file is of the days: those after it vouch for its last ones."""
        last = self._days.ends_at
        if last is None:
            return True
        if starts_at is None:
            return ends_at is None or ends_at - DELIVERY < last
        return starts_at < last

    def _report_digest(
        self, problem: Problem, file: TrailFile, digest: Digest, detail: str
    ) -> None:
        if not self._is_asked_period(digest.started_at, digest.ended_at):
            return
        if problem.is_wrong and digest.logs:
            detail += f"; nothing proves the {len(digest.logs):,} log files that it names"
        self._report.add(problem, file.key, detail, digest.started_at, digest.ended_at)

    def _report_missing(self, key: str, pointer: _Pointer, *, is_oldest: bool) -> None:
        """Say that a digest file is missing; if nothing of its trail is older, it was left out."""
        starts_at = self._days.starts_at
        if starts_at is not None and pointer.starts_at <= starts_at:
            return
        if not self._is_asked_period(pointer.starts_at, None):
            return
        detail = f"{pointer.named_by} follows it"
        if is_oldest and starts_at is None:
            detail = f"there were digest files before: {detail}"
            self._report.add(Problem.PERIOD_NOT_COVERED, key, detail, ends_at=pointer.starts_at)
        else:
            self._report.add(Problem.DIGEST_MISSING, key, detail, ends_at=pointer.starts_at)
