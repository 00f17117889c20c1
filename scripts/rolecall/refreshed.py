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
class Refreshed:
    """What a refresh loaded and skipped; counts are of this refresh, totals of the database.

    ``rejected_files`` are log files with how many of their records were rejected, and how many of
    these as too large, ``conflicting_files`` log files with how many of their records are unlike
    the stored event of their key, ``missing_log_roots`` folders that the database remembers and
    that are gone, ``passed_over`` counts the files in the others that are no logs, by kind.
    """

    file_count: int
    empty_file_count: int
    event_count: int
    copied_record_count: int
    rejected_record_count: int
    forgotten_record_count: int
    unreadable: tuple[Unreadable, ...]
    rejected_files: tuple[tuple[str, int, int], ...]
    conflicting_files: tuple[tuple[str, int], ...]
    correction_count: int
    test_count: int
    total_event_count: int
    total_file_count: int
    total_switch_count: int
    missing_log_roots: tuple[str, ...] = ()
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def skipped_file_count(self) -> int:
        """The log files that were left out."""
        return len(self.unreadable)

    @property
    def conflict_count(self) -> int:
        """The records that are unlike the stored event of their key."""
        return sum(count for _, count in self.conflicting_files)
