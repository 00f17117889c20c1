"""What the ledger and the catalogue say about the days that a load looks at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rolecall.athena.load_days import Window, unloaded_window, with_added
from rolecall.aws.athena_client import Athena
from rolecall.aws.glue_catalogue import CatalogueTable, has_own_table
from rolecall.days import Span
from rolecall.project.location import project_variables
from rolecall.settings import Settings
from rolecall.setup.trail_table import added_partitions


def load_window(
    athena: Athena, table: CatalogueTable, settings: Settings, today: date, *, has_ledger: bool
) -> Window:
    """Return the days of delivery that a load of ``table`` looks at. Raises RolecallError."""
    is_by_day = bool(table.day_columns)
    first_day = _first_day(table, settings)
    loaded_days = _days_in_ledger(athena, settings) if has_ledger else []
    lookback_days = int(project_variables()["lookback_days"])
    window = unloaded_window(loaded_days, first_day, today, lookback_days, is_by_day=is_by_day)
    if not loaded_days or not is_by_day:
        return window
    return with_added(window, _added_spans(athena, table), first_day or loaded_days[0])


def _first_day(table: CatalogueTable, settings: Settings) -> date | None:
    """Return the first day that is asked for and that the table can have, None without one."""
    first_text = settings.first_delivered_date or project_variables()["first_delivered_date"]
    if first_text is None:
        return None
    first_day = date.fromisoformat(str(first_text))
    return max(first_day, table.first_projected_day or first_day)


def _days_in_ledger(athena: Athena, settings: Settings) -> list[date]:
    """Return the days of delivery that the ledger has a file of, oldest first.

    Without those of which other files were archived when last looked for: they may have been
    restored.
    """
    sql = """
        select distinct cast(delivered_date as varchar) as delivered_date
        from log_reads
        where delivered_date is not null
    """
    if has_own_table("archived_logs", settings):
        sql += """
            and delivered_date not in (
                select newest.delivered_date
                from (
                    select
                        delivered_date,
                        max_by(is_archived, loaded_at) as is_archived
                    from archived_logs
                    group by log_root, account_id, aws_region, delivered_date
                ) as newest
                where newest.is_archived
            )
        """
    return [date.fromisoformat(day) for (day,) in athena.run(f"{sql} order by 1").rows()]


def _added_spans(athena: Athena, table: CatalogueTable) -> Iterator[Span]:
    """Yield the days that are left of each account and region that was added to the table.

    Loads begin with the oldest day: up to the newest one that the ledger has of it nothing is
    missing. That the ledger has others' files of these days says nothing of it.
    """
    added = added_partitions(table)
    newest_days = _newest_loaded_days(athena) if added else {}
    for partition in added:
        newest = newest_days.get(partition.value, date.min)
        if newest < partition.last_day:
            first = max(partition.first_day, newest)
            yield Span(first, partition.last_day, (partition.value,))


def _newest_loaded_days(athena: Athena) -> dict[str, date]:
    """Return the newest day of delivery that the ledger has of each account and each region."""
    answer = athena.run(
        """
        select
            coalesce(account_id, aws_region) as partition_value,
            cast(max(delivered_date) as varchar) as delivered_date
        from log_reads
        where delivered_date is not null
        group by grouping sets ((account_id), (aws_region))
        """
    )
    return {value: date.fromisoformat(day) for value, day in answer.rows() if value}
