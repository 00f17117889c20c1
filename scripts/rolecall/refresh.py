"""Refresh the target: load what is new, rebuild and test, and say what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolecall.errors import SkippedError
from rolecall.refreshed import Refreshed
from rolecall.settings import Settings

if TYPE_CHECKING:
    from rolecall.athena_refresh import AthenaRefreshed


def refresh(settings: Settings) -> Refreshed:
    """Load new logs, rebuild the marts and test them.

    Raises RolecallError if the logs or the database cannot be used, or if dbt fails.
    """
    from rolecall.local_refresh import refresh_locally

    return refresh_locally(settings)


def check_strict(refreshed: Refreshed | AthenaRefreshed) -> None:
    """Raise SkippedError if the refresh left a file or a record out; one that conflicts is."""
    files = refreshed.skipped_file_count
    records = refreshed.rejected_record_count + refreshed.conflict_count
    if files or records:
        raise SkippedError(
            f"Skipped {files:,} {'file' if files == 1 else 'files'} and {records:,}"
            f" {'record' if records == 1 else 'records'}, which --strict does not allow."
        )
