"""What is said of a load on Athena."""

from __future__ import annotations

from rolecall.athena.archived_logs import ArchivedLogs
from rolecall.text import plural


def archived_text(archived: ArchivedLogs) -> str:
    """Return what is archived for a person, and what to do about it."""
    days = archived.days
    of_days = (
        f"of {days[0]}" if len(days) == 1 else f"of {len(days):,} days ({days[0]} to {days[-1]})"
    )
    return (
        f"Passed over {plural(sum(archived.files.values()), 'log file')}"
        f" {of_days} and {plural(archived.account_count, 'account')}, archived in Glacier: restore"
        f" them and `rolecall refresh --from {days[0]}`, or begin later."
    )
