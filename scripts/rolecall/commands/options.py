"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rolecall.output.formats import FORMATS

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return one decorator that adds several options, in the order given."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


target_options = _options(
    click.option("--target", type=click.Choice(["local", "athena"]), help="Where to run."),
    click.option(
        "--database",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The DuckDB file of the local target [rolecall.duckdb].",
    ),
    click.option(
        "--logs",
        type=click.Path(path_type=Path),
        help="The folder with the log files of the local target.",
    ),
    click.option(
        "--schema", metavar="NAME", help="The database of the tables on Athena [rolecall]."
    ),
    click.option(
        "--table",
        metavar="DATABASE.TABLE",
        help="The CloudTrail table on Athena [default.cloudtrail_logs].",
    ),
    click.option("--workgroup", metavar="NAME", help="The workgroup on Athena [primary]."),
    click.option("--results", metavar="S3_URL", help="Where results and tables go in S3."),
    click.option(
        "--max-scan",
        metavar="SIZE",
        help="Refuse what could scan more than this on Athena, such as 10GB: of a question all"
        " tables, of a refresh the logs alone.",
    ),
)
deadline_option = click.option(
    "--deadline",
    "deadline_seconds",
    type=float,
    metavar="SECONDS",
    help="Give up a question to Athena after this time [1800].",
)
stale_option = click.option(
    "--stale",
    is_flag=True,
    help="Say who is in a role though the newest log is older than a day.",
)
output_options = _options(
    click.option(
        "--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True
    ),
    click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write to this file instead of standard output.",
    ),
    click.option("--timezone", help="The time zone of days and times [UTC]."),
)
