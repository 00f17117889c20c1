"""The records of the CloudTrail table that no load has taken yet, as questions to Athena."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time

from rolecall.athena.load_days import Window
from rolecall.aws.athena_client import Athena
from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.parameters import Value
from rolecall.project.analyses import compiled_text
from rolecall.project.days_to_read import days_to_read
from rolecall.settings import Settings


def unread_rows(
    settings: Settings, table: CatalogueTable, window: Window, skip_log_files: Mapping[str, str]
) -> str:
    """Return the ``from`` and ``where`` of the unread records in a window of days.

    Without ``skip_log_files``, S3 URLs with their problems. The query needs ``day_bounds``. Raises
    RolecallError.
    """
    return compiled_text(
        "{{ unread_rows() }}",
        settings,
        days_to_read=days_to_read(table, window),
        skip_log_files=skip_log_files,
    )


def day_bounds(first: date, last: date) -> dict[str, Value]:
    """Return the parameters that confine ``unread_rows`` to days of delivery."""
    return {
        "first_day": datetime.combine(first, time.min),
        "last_day": datetime.combine(last, time.min),
    }


class UnreadLogs:
    """Says whether days of a load's window have a log to be read: Athena stops at a record."""

    def __init__(
        self, athena: Athena, settings: Settings, table: CatalogueTable, window: Window
    ) -> None:
        self._athena = athena
        self._settings = settings
        self._table = table
        self._window = window
        self._rows: tuple[tuple[str, ...], str] | None = None

    def any_of(self, days: Window, skip_log_files: Mapping[str, str]) -> bool:
        """Return whether some of the window's days that follow each other have one.

        Raises RolecallError.
        """
        sql = f"select 1 as is_there {self._unread_rows(skip_log_files)} limit 1"
        bounds = day_bounds(days[0].first, days[-1].last)
        # Athena ends by itself what takes too long: by the quota of the account.
        return any(self._athena.run(sql, bounds, deadline=None).rows())

    def _unread_rows(self, skip_log_files: Mapping[str, str]) -> str:
        """Return the SQL for the whole window, which dbt takes seconds to compile."""
        skipped = tuple(skip_log_files)
        if self._rows is None or self._rows[0] != skipped:
            rows = unread_rows(self._settings, self._table, self._window, skip_log_files)
            self._rows = skipped, rows
        return self._rows[1]
