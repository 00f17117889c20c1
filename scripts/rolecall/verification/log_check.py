"""The log files of one account and region, compared with what digest files say of them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rolecall.aws.trail_bucket import LogDay
from rolecall.days import Days
from rolecall.errors import RolecallError
from rolecall.local.unpacked import unpacked_pieces
from rolecall.verification.digest_chain import CheckedDigest
from rolecall.verification.digests import SignedLog
from rolecall.verification.periods import DELIVERY, NEXT_DIGEST, Period, gaps, is_covered, joined
from rolecall.verification.report import Problem, RegionReport, Trust
from rolecall.verification.trail_files import (
    RegionFiles,
    TrailFile,
    TrailFiles,
    UnreadableFileError,
    by_name,
    check_can_be_opened,
    log_time,
    region_key,
    trail_file_key,
)

_ONE_DAY = timedelta(days=1)
# A log file is never held as a whole: more than a refresh reads of one can be hashed.
_MAX_LOG_BYTES = 1 << 30


@dataclass(slots=True)
class _Log:
    """A log file that is there; ``trust`` is that of the digest file that has its hash."""

    file: TrailFile
    trust: Trust | None = None
    is_wrong: bool = False
    sha256: bytes | None = None
    problem: UnreadableFileError | None = None


class LogCheck:
    """The log files while they are compared."""

    def __init__(
        self,
        files: RegionFiles,
        store: TrailFiles,
        days: Days,
        report: RegionReport,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._files = files
        self._store = store
        self._days = days
        self._report = report
        self._pool = pool
        logs = [log for log in files.logs if log.day is None or days.has(log.day)]
        self._logs: dict[str, list[_Log]] = {
            key: [_Log(file) for file in copies] for key, copies in by_name(logs).items()
        }
        self._listed_days: set[date] = set()

    def __len__(self) -> int:
        return len(self._logs)

    def compare(self, digest: CheckedDigest) -> None:
        """Compare the log files that a digest file names with the hashes that it has of them."""
        to_read: list[_Log] = []
        copies_of: list[tuple[SignedLog, list[_Log]]] = []
        for signed in digest.logs:
            time = log_time(signed.s3_object)
            if time is not None and digest.trust is Trust.SIGNED:
                self._listed_days.add(time.date())
            if time is None or not self._days.has(time.date()):
                continue
            copies = self._logs.get(region_key(self._files, signed.s3_object), [])
            copies_of.append((signed, copies))
            to_read += [log for log in copies if log.sha256 is None and log.problem is None]
        list(self._pool.map(self._hash, to_read))
        for signed, copies in copies_of:
            if not copies:
                key = trail_file_key(signed.s3_object)
                self._report.add(Problem.LOG_MISSING, key, f"{digest.key} names it", log_time(key))
            for log in copies:
                self._compare(log, signed, digest)

    def _hash(self, log: _Log) -> None:
        digest = hashlib.sha256()
        try:
            check_can_be_opened(log.file)
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

    def _compare(self, log: _Log, signed: SignedLog, digest: CheckedDigest) -> None:
        log.trust = max(digest.trust, log.trust or Trust.WRONG)
        if log.is_wrong or (log.problem is None and log.sha256 == signed.sha256):
            return
        log.is_wrong = True
        time = log.file.log_time
        if log.problem is None:
            detail = f"its hash in {digest.key} differs"
            self._report.add(Problem.LOG_CHANGED, log.file.key, detail, time)
            return
        archived = log.problem.is_archived
        problem = Problem.LOG_ARCHIVED if archived else Problem.LOG_UNREADABLE
        self._report.add(problem, log.file.key, str(log.problem), time)

    def count(self, digest_periods: Sequence[Period]) -> None:
        """Count the log files, and say which are in no digest file and which periods are in none.

        A file is forged if digest files cover all of the time in which it can have been delivered.
        """
        periods = joined(digest_periods)
        newest = periods[-1].ends_at if periods else None
        uncovered: list[datetime] = []
        for log in (log for copies in self._logs.values() for log in copies):
            self._report.whole.log_count += 1
            if log.trust is not None:
                if not log.is_wrong:
                    self._report.whole.logs[log.trust] += 1
                continue
            time = log.file.log_time
            if time is None and log.file.problem is not None:
                self._report.add(Problem.LOG_UNREADABLE, log.file.key, log.file.problem)
            elif time is None:
                detail = "it has no name that CloudTrail gives to a log file"
                self._report.add(Problem.LOG_UNSIGNED, log.file.key, detail)
            elif is_covered(time, time + DELIVERY, periods):
                self._report.add(
                    Problem.LOG_UNSIGNED, log.file.key, "no digest file names it", time
                )
            elif newest is not None and newest - DELIVERY < time <= newest + NEXT_DIGEST:
                self._report.whole.waiting += 1
            else:
                uncovered.append(time)
                self._name_uncovered(log.file.key, time)
        self._report.whole.uncovered += len(uncovered)
        self._report_gaps(periods, sorted(uncovered))

    def _name_uncovered(self, key: str, time: datetime) -> None:
        """Name a log file that is counted with the period that no digest file is about."""
        problem, detail = Problem.PERIOD_NOT_COVERED, "no digest file is about its time"
        self._report.name(problem, key, detail, time)

    def _report_gaps(self, periods: Sequence[Period], uncovered: Sequence[datetime]) -> None:
        known = [*uncovered[:1], *uncovered[-1:]]
        if periods:
            known += [periods[0].starts_at, periods[-1].ends_at]
        if not known:
            return
        first = self._days.starts_at or min(known)
        last = min(self._days.ends_at or max(known), max(max(known), _now()))
        counted = 0
        for gap in gaps(periods, first, last):
            upto = bisect_left(uncovered, gap.ends_at) if gap.ends_at < last else len(uncovered)
            logs, counted = upto - counted, upto
            if gap.ends_at >= last and periods and not logs and self._may_follow(gap):
                continue
            detail = f"no digest file is about it, nor about {logs:,} log files"
            self._report.add(
                Problem.PERIOD_NOT_COVERED,
                None,
                detail if logs else "no digest file is about it",
                gap.starts_at,
                gap.ends_at,
            )

    def _may_follow(self, gap: Period) -> bool:
        """Return whether the digest file of the last period may still be on its way."""
        return self._store.has_metadata and gap.starts_at > _now() - NEXT_DIGEST

    def note_empty_days(self, signed_periods: Sequence[Period]) -> None:
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
        days = self._report.whole.other_days
        days.update(LogDay(root, account, region, day) for day in others)
        for period in joined(signed_periods):
            day = (period.starts_at + _ONE_DAY - timedelta(microseconds=1)).date()
            while datetime.combine(day, datetime.min.time()) + _ONE_DAY <= period.ends_at:
                if day not in others and self._days.has(day):
                    self._report.whole.empty_days.add(LogDay(root, account, region, day))
                day += _ONE_DAY


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
