"""The one channel by which dbt is told which days of delivery it reads on Athena.

The environment variable ``ROLECALL_DAYS_TO_READ`` has JSON for the macro ``days_to_read``::

    {
        "columns": [{"name": "dt", "type": "string", "form": "%Y/%m/%d"}],
        "spans": [
            ["2026-03-01", "2026-03-02", {"region": ["eu-west-1", "us-east-1"]}],
            ["2026-04-01", "2026-04-01", {}]
        ],
        "staged_before": "2026-04-01"
    }

``columns`` are the partition columns of the CloudTrail table that tell the day, with Hive's type
and the form of their values for strftime. ``spans`` are what a load reads, some of them of some
accounts or regions alone. ``staged_before``, where it is not null, is the day before which a load
takes what staging has of a table that cannot be read by the day.

It is not a variable of dbt: dbt parses the whole project anew when one changes. Where it is not
set, as with dbt alone, the macros find the columns and the spans themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.aws.trail_bucket import ACCOUNT
from rolecall.days import Days


def days_to_read(
    table: CatalogueTable, spans: Iterable[Days] | None = None, staged_before: date | None = None
) -> str:
    """Return the value of the variable; ``spans``, None for a question, have both ends."""
    types = dict(table.partition_keys)
    content: dict[str, object] = {
        "columns": [
            {"name": name, "type": types[name].lower(), "form": _strftime_form(form)}
            for name, form in table.day_columns.items()
        ]
    }
    if spans is not None:
        content["spans"] = [[f"{days.first}", f"{days.last}", _partitions(days)] for days in spans]
        content["staged_before"] = None if staged_before is None else f"{staged_before}"
    return json.dumps(content)


def _strftime_form(form: str) -> str:
    return form.replace("yyyy", "%Y").replace("MM", "%m").replace("dd", "%d")


def _partitions(days: Days) -> dict[str, list[str]]:
    """Return the values to which a span is confined, by the column of Rolecall's own table."""
    columns: dict[str, list[str]] = {}
    for value in days.only:
        column = "account" if ACCOUNT.fullmatch(value) else "region"
        columns.setdefault(column, []).append(value)
    return columns
