"""What a refresh came to, for the target that made it to say and the command line to print."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A log file that this refresh could not read, and why."""

    log_file: str
    problem: str


@dataclass(frozen=True, slots=True)
class DoubtfulFile:
    """A log file of this refresh with records that are rejected or contradict it.

    Counts are as in ``log_files``, rejected ones with those that are too large; ``is_replaced``
    says that another file of its size and time was there before.
    """

    log_file: str
    rejected_count: int
    too_large_count: int
    misplaced_count: int
    ambiguous_count: int
    is_replaced: bool


@dataclass(frozen=True, slots=True)
class RefreshSummary:
    """What a refresh of either target loaded and skipped; totals are of all that is stored.

    ``conflicting_files`` are log files with how many of their records are unlike the stored event
    of their key, ``correcting_files`` with how many correct another event.
    """

    file_count: int
    event_count: int
    unreadable: tuple[Unreadable, ...]
    doubtful_files: tuple[DoubtfulFile, ...]
    conflicting_files: tuple[tuple[str, int], ...]
    correcting_files: tuple[tuple[str, int], ...]
    test_count: int
    total_event_count: int
    total_file_count: int
    total_switch_count: int

    @property
    def skipped_file_count(self) -> int:
        """The log files that were left out."""
        return len(self.unreadable)

    @property
    def rejected_record_count(self) -> int:
        """The records without a valid time, and those that are too large."""
        return sum(file.rejected_count for file in self.doubtful_files)

    @property
    def conflict_count(self) -> int:
        """The records that are unlike the stored event of their key."""
        return sum(count for _, count in self.conflicting_files)

    @property
    def correction_count(self) -> int:
        """The records that correct another event and stand in its place."""
        return sum(count for _, count in self.correcting_files)


@dataclass(frozen=True, slots=True)
class LocalRefreshSummary(RefreshSummary):
    """What a refresh of the local target came to besides; counts are of this refresh.

    ``missing_log_roots`` are folders that the database remembers and that are gone,
    ``passed_over`` counts the files in the others that are not logs, by kind.
    """

    empty_file_count: int
    copied_record_count: int
    forgotten_record_count: int
    missing_log_roots: tuple[str, ...] = ()
    passed_over: Counter[str] = field(default_factory=Counter)
