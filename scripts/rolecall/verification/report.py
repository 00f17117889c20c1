"""What the check of a trail found: each finding, and how many files there are of each kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum

from rolecall.aws.trail_bucket import LogDay
from rolecall.days import Days
from rolecall.result import Result

# What a report names at most; the rest is counted.
_MOST_ROWS = 10_000


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
class Finding:
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
    no digest file is about; ``unnamed`` findings are more than ``findings`` has.
    ``are_signatures_checked`` is False where there are no keys. ``empty_days`` are proved to have
    no log file, ``other_days`` to have one.
    """

    days: Days
    are_signatures_checked: bool
    findings: list[Finding] = field(default_factory=list)
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

    def add(self, finding: Finding) -> None:
        """Count a finding, and name it if there are not too many."""
        self.problems[finding.problem] += 1
        self.name(finding)

    def name(self, finding: Finding) -> None:
        """Name a finding that is counted elsewhere, if there are not too many."""
        if len(self.findings) < _MOST_ROWS:
            self.findings.append(finding)
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
                for each in self.findings
            ],
        )


@dataclass(frozen=True, slots=True)
class RegionReport:
    """What a report has of one account and region."""

    whole: VerificationReport
    account: str | None
    region: str | None

    def add(
        self,
        problem: Problem,
        file: str | None,
        detail: str,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> None:
        """Count a finding, and name it if there are not too many."""
        finding = Finding(problem, self.account, self.region, starts_at, ends_at, file, detail)
        self.whole.add(finding)

    def name(self, problem: Problem, file: str, detail: str, starts_at: datetime) -> None:
        """Name a finding that is counted elsewhere, if there are not too many."""
        finding = Finding(problem, self.account, self.region, starts_at, None, file, detail)
        self.whole.name(finding)
