"""``rolecall refresh``."""

from __future__ import annotations

from typing import Any

import click

from rolecall.commands.answer_notes import note_uncovered_days
from rolecall.commands.options import target_options
from rolecall.commands.text import athena_lines, check_strict, local_lines
from rolecall.local.refresh import refresh_locally
from rolecall.queries.request import Inquiry
from rolecall.settings import Settings, load_settings
from rolecall.text import say


@click.command()
@target_options
@click.option(
    "--add-logs", is_flag=True, default=None, help="Load a folder that the database does not know."
)
@click.option(
    "--from",
    "first_delivered_date",
    metavar="DAY",
    help="On Athena: load from this day of delivery on [90 days back, then what is new].",
)
@click.option(
    "--skip-unreadable",
    is_flag=True,
    default=None,
    help="On Athena: go on without the files that it cannot read.",
)
@click.option(
    "--strict", is_flag=True, default=None, help="Exit with 3 if a file or record was skipped."
)
@click.option(
    "--audit", is_flag=True, default=None, help="Test all that is stored, not only what is new."
)
def refresh(**flags: Any) -> None:
    """Load new log files, rebuild the answers and test them."""
    settings = load_settings(**flags)
    if settings.target == "athena":
        _refresh_athena(settings)
    else:
        _refresh_locally(settings)


def _refresh_locally(settings: Settings) -> None:
    summary = refresh_locally(settings)
    say(*local_lines(summary, settings))
    note_uncovered_days(Inquiry(settings).ask("coverage_gaps", {}))
    if settings.strict:
        check_strict(summary)


def _refresh_athena(settings: Settings) -> None:
    # Here: a refresh of the local target needs no boto3, which takes time and memory.
    from rolecall.athena.refresh import refresh_athena

    summary = refresh_athena(settings)
    say(*athena_lines(summary, settings))
    note_uncovered_days(summary.coverage_gaps)
    if settings.strict:
        check_strict(summary)
