"""Refresh the target: load what is new, rebuild and test, and say what came of it."""

from __future__ import annotations

from rolecall.errors import SkippedError
from rolecall.output.formats import counted
from rolecall.refresh_summary import Refreshed, TargetRefreshed
from rolecall.settings import Settings


def refresh(settings: Settings) -> Refreshed:
    """Load new logs, rebuild the marts and test them.

    Raises RolecallError if the logs or the database cannot be used, or if dbt fails.
    """
    from rolecall.local.refresh import refresh_locally

    return refresh_locally(settings)


def check_strict(refreshed: TargetRefreshed) -> None:
    """Raise SkippedError if the refresh left a file or a record out, or one contradicts another."""
    files = refreshed.doubtful_files
    counts = (
        (refreshed.skipped_file_count, "file", "skipped"),
        (sum(file.is_replaced for file in files), "file", "replaced"),
        (refreshed.rejected_record_count, "record", "rejected"),
        (refreshed.conflict_count, "record", "in conflict"),
        (sum(file.misplaced_count for file in files), "record", "misplaced"),
        (sum(file.ambiguous_count for file in files), "record", "ambiguous"),
    )
    told = [f"{counted(count, noun)} {what}" for count, noun, what in counts if count]
    if told:
        raise SkippedError(f"--strict does not allow {', '.join(told)}: see the lines above.")
